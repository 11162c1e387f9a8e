//! Visits a network's float parameters by path, whatever their number of axes.
//!
//! burn passes tensors of each rank to a visitor, and the names of the modules on the way. Here a
//! parameter is flat, `[n]`, and its name is its path, such as `encoder.bert.words.weight`.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};

pub struct Parameter<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    /// Device of the parameter; with autodiff where the parameter has it.
    pub device: Device,
    values: &'a dyn Fn() -> Tensor<1>,
    gradient: &'a dyn Fn(&mut Gradients) -> Option<Tensor<1>>,
}

impl Parameter<'_> {
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Values, flat, without autodiff.
    #[must_use]
    pub fn values(&self) -> Tensor<1> {
        (self.values)()
    }

    /// Removes and returns its gradient, flat; `None` where the loss does not depend on it.
    #[must_use]
    pub fn gradient(&self, gradients: &mut Gradients) -> Option<Tensor<1>> {
        (self.gradient)(gradients)
    }
}

/// Change to a parameter.
pub enum Change {
    Keep,
    /// Detaches it from autodiff.
    Freeze,
    /// Sets new values, flat, without autodiff; the parameter keeps its own.
    Values(Box<Tensor<1>>),
}

/// Calls `see` with each parameter, in the network's order.
pub fn visit<M: Module>(network: &M, see: impl FnMut(&Parameter<'_>)) {
    network.visit(&mut Walk { path: Vec::new(), with: see });
}

/// Changes each parameter as `change` returns.
#[must_use]
pub fn map<M: Module>(network: M, change: impl FnMut(&Parameter<'_>) -> Change) -> M {
    network.map(&mut Walk { path: Vec::new(), with: change })
}

struct Walk<F> {
    path: Vec<String>,
    with: F,
}

fn shown<const D: usize, T>(
    path: &[String],
    param: &Param<Tensor<D>>,
    see: &mut impl FnMut(&Parameter<'_>) -> T,
) -> T {
    let (name, shape) = (path.join("."), param.dims().to_vec());
    let count = shape.iter().product::<usize>();
    let values = || {
        let tensor = param.val();
        let plain = if tensor.is_autodiff() { tensor.inner() } else { tensor };
        plain.reshape([count])
    };
    let gradient = |gradients: &mut Gradients| {
        let tensor = param.val();
        match tensor.is_require_grad() {
            true => tensor.grad_remove(gradients).map(|gradient| gradient.reshape([count])),
            false => None,
        }
    };
    let device = param.device();
    see(&Parameter { name: &name, shape, device, values: &values, gradient: &gradient })
}

impl<F: FnMut(&Parameter<'_>)> ModuleVisitor for Walk<F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        shown(&self.path, param, &mut self.with);
    }
}

impl<F: FnMut(&Parameter<'_>) -> Change> ModuleMapper for Walk<F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match shown(&self.path, &param, &mut self.with) {
            Change::Keep => param,
            Change::Freeze => param.set_require_grad(false),
            Change::Values(values) => {
                let value = Tensor::from_inner(values.reshape(param.dims())).require_grad();
                let (id, _, mapper) = param.consume();
                Param::from_mapped_value(id, value, mapper)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;

    use super::*;

    #[test]
    fn parameters_are_named_by_their_paths() {
        let mut names = Vec::new();
        visit(&LinearConfig::new(2, 3).init(&Device::flex()), |p| names.push(p.name.to_owned()));
        assert_eq!(names, ["weight", "bias"]);
    }
}
