//! AdamW or gradient descent on a network's parameters, by name.
//!
//! burn's own optimiser keeps its state by parameter identifiers, which a new process draws anew,
//! and loads a record onto the default device. Here state goes by the parameter's path in the
//! network, such as `encoder.bert.layers.0.query.weight`, and stays beside it on its device.
//!
//! ```text
//! g      = sum over micro-batches of weight_m * gradient_m / sum of weight_m
//! g      = g * min(1, clip / |g|)                  |g| over all trained parameters
//! AdamW  : w = w (1 - rate * decay) - rate * m / (sqrt(v) + 1e-8)      biases, norms: decay 0
//! Sgd    : w = w - rate * g
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{
    AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer, Sgd, SgdConfig,
};
use burn::tensor::{Gradients, Tensor, TensorData};

use super::checkpoint::{Checkpoint, NamedTensor};
use super::parameters::Schedule;
use crate::encoder::static_table::floats;
use crate::error::TrainerError;

/// How the parameters under a path are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// A path in the network, such as `encoder.bert.words`; it covers what lies below it.
    pub path: String,
    /// How they are trained; a learning rate of 0 freezes them.
    pub schedule: Schedule,
}

/// How each parameter of a network is trained: the first rule that covers it, else the default.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// In order of precedence.
    pub rules: Vec<Rule>,
    /// What no rule covers.
    pub default: Schedule,
}

impl Rules {
    /// AdamW throughout.
    #[must_use]
    pub fn adamw(learning_rate: f64, weight_decay: f32) -> Self {
        let default = Schedule::AdamW { learning_rate, weight_decay };
        Self { rules: Vec::new(), default }
    }

    /// Adds a rule behind the others.
    #[must_use]
    pub fn with(mut self, path: &str, schedule: Schedule) -> Self {
        self.rules.push(Rule { path: path.into(), schedule });
        self
    }

    /// Freezes what lies under the paths.
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

/// One trained parameter's state.
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

/// The optimiser of one network.
pub struct Optimiser {
    slots: BTreeMap<String, Slot>,
    /// Weight of the gradients gathered so far.
    weight: f64,
}

impl Optimiser {
    /// An optimiser without state, and `network` with its frozen parameters cut off from autodiff,
    /// so that nothing is computed backwards below them.
    #[must_use]
    pub fn new<M: Module>(network: M, rules: &Rules) -> (Self, M) {
        let mut slots = BTreeMap::new();
        let network = map(network, |name, param| {
            let Some(schedule) = Some(rules.of(name)).filter(|s| rate(*s) > 0.0) else {
                return Ok(Change::Freeze);
            };
            let rule = match schedule {
                Schedule::AdamW { weight_decay, .. } => {
                    // One axis: a bias, or a norm's scale or shift.
                    let decay = if param.shape.len() > 1 { weight_decay } else { 0.0 };
                    let config = AdamWConfig::new().with_weight_decay(decay).with_epsilon(1e-8);
                    Method::AdamW(config.build(), None)
                }
                Schedule::Sgd { .. } => Method::Sgd(SgdConfig::new().build()),
            };
            let slot =
                Slot { shape: param.shape, rule, learning_rate: rate(schedule), gradient: None };
            slots.insert(name.to_owned(), slot);
            Ok(Change::Keep)
        });
        // The closure never fails.
        let network = network.unwrap_or_else(|(network, _)| network);
        (Self { slots, weight: 0.0 }, network)
    }

    /// Names of the trained parameters, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.slots.keys().map(String::as_str)
    }

    /// Number of trained weights.
    #[must_use]
    pub fn trained(&self) -> usize {
        self.slots.values().map(|slot| slot.shape.iter().product::<usize>()).sum()
    }

    /// Adds the gradients of one micro-batch, whose loss was its mean times `weight`.
    pub fn gather<M: Module>(&mut self, network: &M, gradients: Gradients, weight: f64) {
        let mut gather = Gather { path: Vec::new(), slots: &mut self.slots, gradients };
        network.visit(&mut gather);
        self.weight += weight;
    }

    /// The norm of the gathered gradient, over all trained parameters.
    #[must_use]
    pub fn gradient_norm(&self) -> f64 {
        let gradients = self.slots.values().filter_map(|slot| slot.gradient.clone());
        let squares = gradients.map(|g| g.square().sum()).reduce(|a, b| a + b);
        let sum = squares.map_or(0.0, |sum| f64::from(sum.into_scalar::<f32>()));
        sum.sqrt() / self.weight.max(f64::MIN_POSITIVE)
    }

    /// One step along the gathered gradient, times `factor`, with the learning rates times `scale`.
    #[must_use]
    pub fn step<M: Module>(&mut self, network: M, scale: f64, factor: f64) -> M {
        let factor = factor / self.weight.max(f64::MIN_POSITIVE);
        self.weight = 0.0;
        let mut step = Step { path: Vec::new(), slots: &mut self.slots, scale, factor };
        network.map(&mut step)
    }

    /// The trained parameters, without the optimiser's state.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`] where a tensor cannot be read.
    pub fn weights<M: Module>(&self, network: &M) -> Result<Vec<NamedTensor>, TrainerError> {
        let mut read =
            Read { path: Vec::new(), slots: &self.slots, found: Vec::new(), fault: None };
        network.visit(&mut read);
        match read.fault {
            None => Ok(read.found),
            Some(fault) => Err(fault),
        }
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

    /// Takes parameters, and with `state` the optimiser's state, from a checkpoint; `path` is for
    /// the message.
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
        let slots = &mut self.slots;
        let loaded = map(network, |name, param| {
            let Some(slot) = slots.get_mut(name) else { return Ok(Change::Keep) };
            let values = checkpoint.take(name, &slot.shape, path)?;
            let time = checkpoint.note.get(&format!("{name}.time")).map(|t| t.parse::<usize>());
            if let (Method::AdamW(_, kept), true) = (&mut slot.rule, state) {
                *kept = match time {
                    None => None,
                    Some(Err(e)) => {
                        let detail = format!("step count of {name:?}: {e}");
                        return Err(TrainerError::BadCheckpoint { path: path.into(), detail });
                    }
                    Some(Ok(time)) => {
                        let mut moment = |which: &str| {
                            let name = format!("{name}.{which}");
                            let values = checkpoint.take(&name, &slot.shape, path)?;
                            let data = TensorData::new(values, [param.count()]);
                            let plain = param.device.clone().inner();
                            Ok::<_, TrainerError>(Tensor::<1>::from_data(data, &plain))
                        };
                        let (first, second) = (moment("moment_1")?, moment("moment_2")?);
                        let momentum = AdaptiveMomentumState::new(time, first, second);
                        Some(Box::new(AdamWState::new(momentum)))
                    }
                };
            }
            Ok(Change::Values(values))
        });
        loaded.map_err(|(_, fault)| fault)
    }
}

fn rate(schedule: Schedule) -> f64 {
    match schedule {
        Schedule::AdamW { learning_rate, .. } | Schedule::Sgd { learning_rate } => learning_rate,
    }
}

/// What [`map`] says of a parameter.
struct Facts {
    shape: Vec<usize>,
    device: burn::tensor::Device,
}

impl Facts {
    fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What becomes of a parameter.
enum Change {
    Keep,
    Freeze,
    Values(Vec<f32>),
}

/// Changes each float parameter; after a fault the rest stays, and the fault comes back with it.
fn map<M: Module>(
    network: M,
    change: impl FnMut(&str, Facts) -> Result<Change, TrainerError>,
) -> Result<M, (M, TrainerError)> {
    let mut mapper = Map { path: Vec::new(), change, fault: None };
    let network = network.map(&mut mapper);
    match mapper.fault {
        None => Ok(network),
        Some(fault) => Err((network, fault)),
    }
}

struct Map<F> {
    path: Vec<String>,
    change: F,
    fault: Option<TrainerError>,
}

impl<F: FnMut(&str, Facts) -> Result<Change, TrainerError>> ModuleMapper for Map<F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.fault.is_some() {
            return param;
        }
        let dims = param.dims();
        let facts = Facts { shape: dims.to_vec(), device: param.device() };
        let device = facts.device.clone();
        match (self.change)(&self.path.join("."), facts) {
            Ok(Change::Keep) => param,
            Ok(Change::Freeze) => param.set_require_grad(false),
            Ok(Change::Values(values)) => {
                let tensor = Tensor::<D>::from_data(TensorData::new(values, dims), &device);
                replaced(param, tensor.require_grad())
            }
            Err(fault) => {
                self.fault = Some(fault);
                param
            }
        }
    }
}

fn replaced<const D: usize>(param: Param<Tensor<D>>, value: Tensor<D>) -> Param<Tensor<D>> {
    let (id, _, mapper) = param.consume();
    Param::from_mapped_value(id, value, mapper)
}

struct Gather<'a> {
    path: Vec<String>,
    slots: &'a mut BTreeMap<String, Slot>,
    gradients: Gradients,
}

impl ModuleVisitor for Gather<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(slot) = self.slots.get_mut(&self.path.join(".")) else { return };
        let Some(gradient) = param.val().grad_remove(&mut self.gradients) else { return };
        let gradient = gradient.reshape([param.dims().iter().product::<usize>()]);
        slot.gradient = Some(match slot.gradient.take() {
            Some(sum) => sum + gradient,
            None => gradient,
        });
    }
}

struct Step<'a> {
    path: Vec<String>,
    slots: &'a mut BTreeMap<String, Slot>,
    scale: f64,
    factor: f64,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(slot) = self.slots.get_mut(&self.path.join(".")) else { return param };
        let Some(gradient) = slot.gradient.take() else { return param };
        let dims = param.dims();
        let value = param.val().inner().reshape([dims.iter().product::<usize>()]);
        let (gradient, rate) = (gradient * self.factor, slot.learning_rate * self.scale);
        let stepped = match &mut slot.rule {
            Method::AdamW(optimiser, state) => {
                let past = state.take().map(|state| *state);
                let (stepped, next) = optimiser.step(rate, value, gradient, past);
                *state = next.map(Box::new);
                stepped
            }
            Method::Sgd(optimiser) => optimiser.step(rate, value, gradient, None).0,
        };
        replaced(param, Tensor::from_inner(stepped.reshape(dims)).require_grad())
    }
}

struct Read<'a> {
    path: Vec<String>,
    slots: &'a BTreeMap<String, Slot>,
    found: Vec<NamedTensor>,
    fault: Option<TrainerError>,
}

impl ModuleVisitor for Read<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        if !self.slots.contains_key(&name) || self.fault.is_some() {
            return;
        }
        match floats(param.val().into_data()) {
            Ok(values) => {
                self.found.push(NamedTensor { name, shape: param.dims().to_vec(), values });
            }
            Err(fault) => self.fault = Some(fault),
        }
    }
}
