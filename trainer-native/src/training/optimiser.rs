//! AdamW or gradient descent on a network's parameters, by name.
//!
//! burn's own optimiser identifies state by parameter ids, which a new process draws anew, and
//! loads a record onto the default device. Here state is identified by the parameter's path in the
//! network, such as `encoder.bert.layers.0.query.weight`, and stays on the parameter's device.
//!
//! ```text
//! g      = sum over micro-batches of weight_m * gradient_m / sum of weight_m
//! g      = g * min(1, clip / |g|)                  |g| over all trained parameters
//! AdamW  : w = w (1 - rate * decay) - rate * m / (sqrt(v) + 1e-8)      biases, norms: decay 0
//! Sgd    : w = w - rate * g
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::optim::{
    AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer, Sgd, SgdConfig,
};
use burn::tensor::{Gradients, Tensor, TensorData};

use super::named_parameters::{self, Change, Parameter};
use crate::error::TrainerError;
use crate::tensors::{Checkpoint, NamedTensor, floats};

/// How a parameter is trained.
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

/// Schedule of the parameters under a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// A path in the network, such as `encoder.bert.words`; the rule covers every parameter below
    /// it.
    pub path: String,
    /// Schedule of these parameters; a learning rate of 0 freezes them.
    pub schedule: Schedule,
}

/// Schedule of each parameter of a network: the first rule that covers it, else the default.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Rules in order of precedence.
    pub rules: Vec<Rule>,
    /// Schedule of parameters that no rule covers.
    pub default: Schedule,
}

impl Rules {
    /// AdamW for every parameter.
    #[must_use]
    pub fn adamw(learning_rate: f64, weight_decay: f32) -> Self {
        let default = Schedule::AdamW { learning_rate, weight_decay };
        Self { rules: Vec::new(), default }
    }

    /// Adds a rule after the others.
    #[must_use]
    pub fn with(mut self, path: &str, schedule: Schedule) -> Self {
        self.rules.push(Rule { path: path.into(), schedule });
        self
    }

    /// Freezes the parameters under the paths.
    #[must_use]
    pub fn frozen(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        let schedule = Schedule::Sgd { learning_rate: 0.0 };
        self.rules.extend(paths.into_iter().map(|path| Rule { path, schedule }));
        self
    }

    fn of(&self, name: &str) -> Schedule {
        let covers = |path: &str| {
            name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.rules.iter().find(|rule| covers(&rule.path)).map_or(self.default, |r| r.schedule)
    }
}

/// State of one trained parameter.
struct Slot {
    shape: Vec<usize>,
    rule: Method,
    learning_rate: f64,
    gradient: Option<Tensor<1>>,
}

enum Method {
    AdamW(AdamW, Option<Box<AdamWState<1>>>),
    Sgd(Sgd),
}

pub struct Optimiser {
    slots: BTreeMap<String, Slot>,
    /// Sum of the weights of the gradients gathered so far.
    weight: f64,
}

impl Optimiser {
    /// Makes an optimiser without state; also returns `network` with its frozen parameters detached
    /// from autodiff, so that no gradients are computed below them.
    #[must_use]
    pub fn new<M: Module>(network: M, rules: &Rules) -> (Self, M) {
        let mut slots = BTreeMap::new();
        let network = named_parameters::map(network, |parameter| {
            let (rule, learning_rate) = match rules.of(parameter.name) {
                Schedule::AdamW { learning_rate, weight_decay } => {
                    // A single axis means a bias, or the scale or shift of a norm.
                    let decay = if parameter.shape.len() > 1 { weight_decay } else { 0.0 };
                    let config = AdamWConfig::new().with_weight_decay(decay).with_epsilon(1e-8);
                    (Method::AdamW(config.build(), None), learning_rate)
                }
                Schedule::Sgd { learning_rate } => {
                    (Method::Sgd(SgdConfig::new().build()), learning_rate)
                }
            };
            if learning_rate <= 0.0 {
                return Change::Freeze;
            }
            let shape = parameter.shape.clone();
            slots.insert(
                parameter.name.to_owned(),
                Slot { shape, rule, learning_rate, gradient: None },
            );
            Change::Keep
        });
        (Self { slots, weight: 0.0 }, network)
    }

    /// Adds the gradients of one micro-batch, whose loss was multiplied by `weight`.
    pub fn gather<M: Module>(&mut self, network: &M, mut gradients: Gradients, weight: f64) {
        named_parameters::visit(network, |parameter| {
            let Some(slot) = self.slots.get_mut(parameter.name) else { return };
            let Some(gradient) = parameter.gradient(&mut gradients) else { return };
            slot.gradient = Some(match slot.gradient.take() {
                Some(sum) => sum + gradient,
                None => gradient,
            });
        });
        self.weight += weight;
    }

    /// Norm of the gathered gradient over all trained parameters.
    #[must_use]
    pub fn gradient_norm(&self) -> f64 {
        let gradients = self.slots.values().filter_map(|slot| slot.gradient.clone());
        let squares = gradients.map(|g| g.square().sum()).reduce(|a, b| a + b);
        let sum = squares.map_or(0.0, |sum| f64::from(sum.into_scalar::<f32>()));
        sum.sqrt() / self.weight.max(f64::MIN_POSITIVE)
    }

    /// Takes one step along the gathered gradient, times `factor`, with the learning rates times
    /// `scale`.
    #[must_use]
    pub fn step<M: Module>(&mut self, network: M, scale: f64, factor: f64) -> M {
        let factor = factor / self.weight.max(f64::MIN_POSITIVE);
        self.weight = 0.0;
        named_parameters::map(network, |parameter| {
            let Some(slot) = self.slots.get_mut(parameter.name) else { return Change::Keep };
            let Some(gradient) = slot.gradient.take() else { return Change::Keep };
            let (rate, gradient) = (slot.learning_rate * scale, gradient * factor);
            let value = parameter.values();
            Change::Values(Box::new(match &mut slot.rule {
                Method::AdamW(optimiser, state) => {
                    let past = state.take().map(|state| *state);
                    let (stepped, next) = optimiser.step(rate, value, gradient, past);
                    *state = next.map(Box::new);
                    stepped
                }
                Method::Sgd(optimiser) => optimiser.step(rate, value, gradient, None).0,
            }))
        })
    }

    /// The trained parameters, without the optimiser's state.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`] where a tensor cannot be read.
    pub fn weights<M: Module>(&self, network: &M) -> Result<Vec<NamedTensor>, TrainerError> {
        let mut found = Vec::new();
        named_parameters::visit(network, |parameter| {
            if self.slots.contains_key(parameter.name) {
                let (name, shape) = (parameter.name.to_owned(), parameter.shape.clone());
                let values = floats(parameter.values().into_data());
                found.push(values.map(|values| NamedTensor { name, shape, values }));
            }
        });
        found.into_iter().collect()
    }

    /// Adds parameters and state to a checkpoint.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`] where a tensor cannot be read.
    pub fn save<M: Module>(
        &self,
        network: &M,
        checkpoint: &mut Checkpoint,
    ) -> Result<(), TrainerError> {
        checkpoint.tensors.extend(self.weights(network)?);
        for (name, slot) in &self.slots {
            let Method::AdamW(_, Some(state)) = &slot.rule else { continue };
            let moments = &state.momentum;
            for (which, tensor) in
                [("moment_1", &moments.moment_1), ("moment_2", &moments.moment_2)]
            {
                let values = floats(tensor.clone().into_data())?;
                let name = format!("{name}.{which}");
                checkpoint.tensors.push(NamedTensor { name, shape: slot.shape.clone(), values });
            }
            checkpoint.note.insert(format!("{name}.time"), moments.time.to_string());
        }
        Ok(())
    }

    /// Loads parameters, and with `state` the optimiser's state, from a checkpoint; `path` is for
    /// messages.
    ///
    /// # Errors
    /// [`TrainerError::BadCheckpoint`] where a tensor is missing or has another shape.
    pub fn load<M: Module>(
        &mut self,
        network: M,
        checkpoint: &mut Checkpoint,
        state: bool,
        path: &Path,
    ) -> Result<M, TrainerError> {
        let mut fault = None;
        let network = named_parameters::map(network, |parameter| {
            let Some(slot) = self.slots.get_mut(parameter.name) else { return Change::Keep };
            let loaded = slot.load(parameter, checkpoint, state, path);
            match loaded {
                Ok(values) => Change::Values(Box::new(values)),
                Err(error) => {
                    fault.get_or_insert(error);
                    Change::Keep
                }
            }
        });
        match fault {
            None => Ok(network),
            Some(fault) => Err(fault),
        }
    }
}

impl Slot {
    /// Reads the parameter's values from a checkpoint; with `state` also its moments.
    fn load(
        &mut self,
        parameter: &Parameter<'_>,
        checkpoint: &mut Checkpoint,
        state: bool,
        path: &Path,
    ) -> Result<Tensor<1>, TrainerError> {
        let (name, plain) = (parameter.name, parameter.device.clone().inner());
        let time = checkpoint.note.get(&format!("{name}.time")).map(|time| time.parse::<usize>());
        let mut take = |name: &str| {
            let values = checkpoint.take(name, &self.shape, path)?;
            let data = TensorData::new(values, [parameter.count()]);
            Ok::<_, TrainerError>(Tensor::<1>::from_data(data, &plain))
        };
        if let (Method::AdamW(_, kept), true) = (&mut self.rule, state) {
            *kept = match time {
                None => None,
                Some(Err(e)) => {
                    let detail = format!("step count of {name:?}: {e}");
                    return Err(TrainerError::BadCheckpoint { path: path.into(), detail });
                }
                Some(Ok(time)) => {
                    let [first, second] =
                        ["moment_1", "moment_2"].map(|which| take(&format!("{name}.{which}")));
                    let momentum = AdaptiveMomentumState::new(time, first?, second?);
                    Some(Box::new(AdamWState::new(momentum)))
                }
            };
        }
        take(name)
    }
}
