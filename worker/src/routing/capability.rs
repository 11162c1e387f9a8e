//! Whether a model's upstream can be asked what a request asks: what its API has no equivalent for, and what
//! the configuration says that the model lacks.
//!
//! For an upstream of another API than the client's the translation itself is tried, so that routing and
//! calls never disagree. The request is parsed once, and only if there is such an upstream.

use std::cell::{OnceCell, RefCell};

use serde_json::Value;

use super::features::asks_for;
use crate::config::{Api, Feature, Upstream};
use crate::error::{GatewayError, Untranslatable};
use crate::request::body::RequestBody;
use crate::translate::call::ApiPair;
use crate::translate::response_ids::References;
use crate::wire::json_tree;

/// What a request asks of the model that answers it.
pub(crate) struct Demands<'a> {
    request: &'a RequestBody,
    /// The request's body as sent.
    text: &'a str,
    references: &'a References,
    tree: OnceCell<Result<Value, String>>,
    /// The APIs whose translation was tried, with the result.
    tried: RefCell<Vec<(Api, Result<(), GatewayError>)>>,
}

/// Why a model cannot be asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inability {
    /// What is said of the model beside others.
    pub(crate) why: String,
    /// The error of a request that names the model; none if the upstream itself is left to refuse.
    pub(crate) error: Option<GatewayError>,
}

impl<'a> Demands<'a> {
    /// Reads nothing yet. `text` is the request's body.
    pub(crate) fn new(request: &'a RequestBody, text: &'a str, references: &'a References) -> Self {
        Self { request, text, references, tree: OnceCell::new(), tried: RefCell::default() }
    }

    /// The first demand that a model's upstream does not meet, if any.
    pub(crate) fn unmet(&self, model: &str, upstream: &Upstream) -> Option<Inability> {
        let says = |why: &str| Some(Inability { why: why.to_owned(), error: None });
        if upstream.tools == Some(false) && self.request.has_tools() {
            return says("does not take tools");
        }
        if upstream.vision == Some(false) && self.request.has_images() {
            return says("does not take images");
        }
        let lacks =
            |feature: &&Feature| asks_for(**feature, self.request, self.text, self.references);
        if let Some(feature) = upstream.lacks.iter().find(lacks) {
            return says(&format!("lacks {}", feature.name()));
        }
        self.translation(model, upstream).err().map(Inability::of)
    }

    /// Whether the request can be sent to an upstream's API.
    fn translation(&self, model: &str, upstream: &Upstream) -> Result<(), GatewayError> {
        let apis = ApiPair::new(self.request.dialect, upstream, model)?;
        if apis.is_plain() {
            return Ok(());
        }
        let known = self.tried.borrow().iter().find(|(api, _)| *api == upstream.api).cloned();
        if let Some((_, result)) = known {
            return result;
        }
        let tree = self.tree.get_or_init(|| json_tree::parse(self.text));
        let result = match tree {
            Ok(tree) => apis.translated(tree, model).map(drop).map_err(GatewayError::from),
            Err(detail) => Err(GatewayError::BodyTooComplex { detail: detail.clone() }),
        };
        self.tried.borrow_mut().push((upstream.api, result.clone()));
        result
    }
}

impl Inability {
    /// That of an upstream for which a request has this error.
    pub(crate) fn of(error: GatewayError) -> Self {
        let why = match &error {
            GatewayError::Untranslatable(
                Untranslatable::Unsupported { field, found, expected }
                | Untranslatable::Malformed { field, found, expected },
            ) => format!("{field:?} is {found}, expected {expected}"),
            GatewayError::FieldRefused { field, .. } => format!("{field:?} is not passed on to it"),
            other => other.to_string(),
        };
        Self { why, error: Some(error) }
    }

    /// The error that a request has for every one of these models, if all have the same.
    pub(crate) fn common_error(all: &[Self]) -> Option<GatewayError> {
        let told = |one: &Self| {
            let error = one.error.as_ref()?;
            let field = match error {
                GatewayError::Untranslatable(error) => error.field(),
                GatewayError::FieldRefused { field, .. } => field,
                _ => "",
            };
            Some((error.code(), field.to_owned()))
        };
        let first = all.first()?;
        let same = told(first).is_some() && all.iter().all(|one| told(one) == told(first));
        first.error.clone().filter(|_| same)
    }
}
