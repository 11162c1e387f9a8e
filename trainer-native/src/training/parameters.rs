//! Named matrices with the state of their optimiser.
//!
//! A checkpoint is one safetensors file: each parameter and, under AdamW, its two moments and step
//! count, so that a resumed run takes the same steps as an uninterrupted one.

use std::collections::HashMap;
use std::path::Path;

use burn::optim::{
    AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer, Sgd, SgdConfig,
};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use crate::encoder::static_table::floats;
use crate::error::TrainerError;
use crate::tensors::{Checkpoint, NamedTensor};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// AdamW with decoupled weight decay.
    AdamW { learning_rate: f64, weight_decay: f32 },
    /// Plain gradient descent, for a table whose rare rows Adam would move as far as common ones.
    Sgd {
        /// Learning rate; 0 freezes the parameter.
        learning_rate: f64,
    },
}

enum Rule {
    AdamW(AdamW, Option<Box<AdamWState<2>>>),
    Sgd(Sgd),
}

struct Parameter {
    name: &'static str,
    value: Tensor<2>,
    rule: Rule,
    learning_rate: f64,
}

/// A model's parameters, all matrices, on a device with autodiff.
pub struct Parameters {
    parameters: Vec<Parameter>,
    device: Device,
}

impl Parameters {
    /// An empty set of parameters; `device` has autodiff.
    #[must_use]
    pub fn new(device: &Device) -> Self {
        Self { parameters: Vec::new(), device: device.clone() }
    }

    /// Adds a matrix, `[rows, columns]`, row by row.
    pub fn add(&mut self, name: &'static str, shape: [usize; 2], values: Vec<f32>, how: Schedule) {
        let (rule, learning_rate) = match how {
            Schedule::AdamW { learning_rate, weight_decay } => {
                let config = AdamWConfig::new().with_weight_decay(weight_decay).with_epsilon(1e-8);
                (Rule::AdamW(config.build(), None), learning_rate)
            }
            Schedule::Sgd { learning_rate } => (Rule::Sgd(SgdConfig::new().build()), learning_rate),
        };
        let value = self.leaf(TensorData::new(values, shape), learning_rate);
        self.parameters.push(Parameter { name, value, rule, learning_rate });
    }

    /// Current value of a parameter; an unknown name is a mistake in the calling router.
    #[must_use]
    #[allow(clippy::panic)]
    pub fn get(&self, name: &str) -> Tensor<2> {
        match self.parameters.iter().find(|p| p.name == name) {
            Some(parameter) => parameter.value.clone(),
            None => panic!("no parameter {name:?}"),
        }
    }

    /// Takes one step on every parameter that is not frozen and has a gradient; `scale` multiplies
    /// the learning rates.
    pub fn step(&mut self, gradients: &Gradients, scale: f64) {
        for parameter in self.parameters.iter_mut().filter(|p| p.learning_rate > 0.0) {
            let Some(gradient) = parameter.value.grad(gradients) else { continue };
            let (rate, value) = (parameter.learning_rate * scale, parameter.value.clone().inner());
            let stepped = match &mut parameter.rule {
                Rule::AdamW(optimizer, state) => {
                    let (stepped, next) =
                        optimizer.step(rate, value, gradient, state.take().map(|s| *s));
                    *state = next.map(Box::new);
                    stepped
                }
                Rule::Sgd(optimizer) => optimizer.step(rate, value, gradient, None).0,
            };
            parameter.value = Tensor::from_inner(stepped).require_grad();
        }
    }

    /// A parameter's values, row by row.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn values(&self, name: &str) -> Result<Vec<f32>, TrainerError> {
        let values = floats(self.get(name).into_data())?;
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(values),
            Some(at) => Err(TrainerError::NotFinite {
                what: "a parameter",
                detail: format!("{name:?} holds {} at {at}", values[at]),
            }),
        }
    }

    /// Writes parameters and optimiser state; the file is replaced in one step.
    ///
    /// # Errors
    /// [`TrainerError::File`], [`TrainerError::NotFinite`].
    pub fn save(&self, path: &Path, note: HashMap<String, String>) -> Result<(), TrainerError> {
        let mut checkpoint = Checkpoint { tensors: Vec::new(), note };
        for parameter in &self.parameters {
            let mut push = |name: String, tensor: Tensor<2>| {
                let (shape, values) = (tensor.dims().to_vec(), floats(tensor.into_data())?);
                checkpoint.tensors.push(NamedTensor { name, shape, values });
                Ok::<(), TrainerError>(())
            };
            push(parameter.name.to_owned(), parameter.value.clone())?;
            if let Rule::AdamW(_, Some(state)) = &parameter.rule {
                let moments = &state.momentum;
                push(format!("{}.moment_1", parameter.name), moments.moment_1.clone())?;
                push(format!("{}.moment_2", parameter.name), moments.moment_2.clone())?;
                checkpoint
                    .note
                    .insert(format!("{}.time", parameter.name), moments.time.to_string());
            }
        }
        checkpoint.write(path)
    }

    /// Loads values and optimiser state from a file that [`Parameters::save`] wrote; returns its
    /// note.
    ///
    /// # Errors
    /// [`TrainerError::BadCheckpoint`] where a tensor is missing or has another shape.
    pub fn load(&mut self, path: &Path) -> Result<HashMap<String, String>, TrainerError> {
        let mut checkpoint = Checkpoint::read(path)?;
        let note = std::mem::take(&mut checkpoint.note);
        let mut read = |name: &str, shape: [usize; 2]| {
            checkpoint.take(name, &shape, path).map(|values| TensorData::new(values, shape))
        };
        let device = self.device.clone();
        let plain = device.clone().inner();
        for index in 0..self.parameters.len() {
            let (name, shape) = (self.parameters[index].name, self.parameters[index].value.dims());
            let rate = self.parameters[index].learning_rate;
            self.parameters[index].value = self.leaf(read(name, shape)?, rate);
            let time = note.get(&format!("{name}.time")).map(|t| t.parse::<usize>());
            let Rule::AdamW(_, state) = &mut self.parameters[index].rule else { continue };
            *state = match time {
                None => None,
                Some(Err(e)) => {
                    let detail = format!("step count of {name:?}: {e}");
                    return Err(TrainerError::BadCheckpoint { path: path.into(), detail });
                }
                Some(Ok(time)) => {
                    let mut moment = |which: &str| {
                        let data = read(&format!("{name}.{which}"), shape)?;
                        Ok::<_, TrainerError>(Tensor::<2>::from_data(data, &plain))
                    };
                    let momentum =
                        AdaptiveMomentumState::new(time, moment("moment_1")?, moment("moment_2")?);
                    Some(Box::new(AdamWState::new(momentum)))
                }
            };
        }
        Ok(note)
    }

    fn leaf(&self, data: TensorData, learning_rate: f64) -> Tensor<2> {
        let tensor = Tensor::<2>::from_data(data, &self.device);
        if learning_rate > 0.0 { tensor.require_grad() } else { tensor }
    }
}
