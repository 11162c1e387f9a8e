//! What a caller may ask for, and which models may answer it: by its key, the configuration and its headers.

use pointsman::Manifest;

use crate::config::{Key, Settings, Upstreams, is_routing_name};
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::request::model_name::{PolicyHeaders, Target, means_routing};
use crate::upstream::refused_fields::{Rules, refused_field, refused_tool};

/// The routing options in the caller's headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestOptions {
    /// The policy.
    pub(crate) policy: PolicyHeaders,
    /// `x-pointsman-models`: only these models.
    pub(crate) models: Option<Vec<String>>,
    /// `x-pointsman-exclude`: not these models.
    pub(crate) exclude: Vec<String>,
    /// `x-pointsman-cascade`: whether a cheaper model may answer first.
    pub(crate) cascade: Option<bool>,
}

/// Splits a header's comma-separated list of names.
pub(crate) fn listed(header: &str) -> Vec<String> {
    header.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// What decides on a caller's permissions.
#[derive(Clone, Copy)]
pub(crate) struct Permissions<'a> {
    /// The bundle's manifest with the configuration's windows and prices.
    pub(crate) manifest: &'a Manifest,
    /// The configured upstreams.
    pub(crate) upstreams: &'a Upstreams,
    /// The gateway's settings.
    pub(crate) settings: &'a Settings,
    /// The caller's key, if it has one.
    pub(crate) key: Option<&'a Key>,
    /// Whether the gateway has keys.
    pub(crate) has_keys: bool,
    /// The caller's headers.
    pub(crate) options: &'a RequestOptions,
}

impl Permissions<'_> {
    /// Whether a name is that of a candidate or of a model of UPSTREAMS.
    pub(crate) fn serves(&self, name: &str) -> bool {
        self.manifest.candidate_index(name).is_some() || self.upstreams.get(name).is_some()
    }

    /// What a requested name means: the name itself if it is that of a model or means routing, else what its
    /// alias means.
    pub(crate) fn meant<'n>(&'n self, name: &'n str) -> &'n str {
        let is_bundles = name.split(':').next() == Some(self.manifest.name.as_str());
        match self.serves(name) || is_routing_name(name) || is_bundles {
            true => name,
            false => self.settings.aliases.target(name).unwrap_or(name),
        }
    }

    /// What a request asks for, if this caller may ask for it. An alias needs the permission for what it
    /// means.
    ///
    /// # Errors
    /// Errors of the model name and of headers; [`GatewayError::ModelNotAllowed`].
    pub(crate) fn target(&self, request: &RequestBody) -> Result<Target, GatewayError> {
        self.check_headers()?;
        let asked = self.meant(&request.model);
        let serves = |name: &str| self.serves(name);
        let target = Target::new(asked, &self.options.policy, self.manifest, serves)?;
        match &target {
            Target::Routed(_) if request.dialect == Dialect::Embeddings => {
                let expected = "a model of UPSTREAMS: this endpoint is not routed".into();
                return Err(GatewayError::ModelNotFound { found: request.model.clone(), expected });
            }
            Target::Routed(_) => self.check_may_route(asked)?,
            Target::Named(model) => self.check_allowed(model)?,
        }
        Ok(target)
    }

    /// Whether this caller may request a name: a model's, the bundle's or `auto`.
    pub(crate) fn may_request(&self, name: &str) -> bool {
        let routed = !self.serves(name);
        let granted = |name| self.key.is_none_or(|key| key.may_request(name));
        match routed {
            true => granted("auto") || granted(name),
            false => granted(name) && self.may_answer(name),
        }
    }

    /// Whether this caller may be answered by a model.
    pub(crate) fn may_answer(&self, model: &str) -> bool {
        self.refusal(model).is_none()
    }

    /// Whether a name means routing. A served model's name does not.
    fn means_routing(&self, name: &str) -> bool {
        !self.serves(name) && means_routing(name, &self.manifest.name)
    }

    /// Why the configuration or the caller's key excludes a model. A key's `models` exclude every model
    /// that they do not name, unless all of them mean routing: a name that is not served any more, or
    /// was misspelt, matches nothing and still limits.
    pub(crate) fn exclusion(&self, model: &str) -> Option<&'static str> {
        let holds = |list: &[String]| list.iter().any(|name| name == model);
        let models = &self.settings.models;
        let of_key = self.key.and_then(|key| key.models.as_deref());
        let limits = |names: &[String]| {
            names.is_empty() || !names.iter().all(|name| self.means_routing(name))
        };
        if models.allow.as_deref().is_some_and(|allow| !holds(allow)) || holds(&models.deny) {
            Some("the gateway's configuration excludes it")
        } else if of_key.is_some_and(|names| limits(names) && !holds(names)) {
            Some("the key's models do not include it")
        } else {
            None
        }
    }

    /// Why this caller may not be answered by a model.
    pub(crate) fn refusal(&self, model: &str) -> Option<&'static str> {
        let holds = |list: &[String]| list.iter().any(|name| name == model);
        if let Some(why) = self.exclusion(model) {
            Some(why)
        } else if self.options.models.as_deref().is_some_and(|models| !holds(models)) {
            Some("x-pointsman-models does not include it")
        } else if holds(&self.options.exclude) {
            Some("x-pointsman-exclude includes it")
        } else {
            None
        }
    }

    /// Checks that this caller may be answered by a model.
    ///
    /// # Errors
    /// [`GatewayError::ModelNotAllowed`].
    pub(crate) fn check_may_answer(&self, model: &str) -> Result<(), GatewayError> {
        match self.refusal(model) {
            Some(why) => {
                Err(GatewayError::ModelNotAllowed { model: model.to_owned(), why: why.to_owned() })
            }
            None => Ok(()),
        }
    }

    /// Checks that this caller may request a model by its name.
    ///
    /// # Errors
    /// [`GatewayError::ModelNotAllowed`].
    pub(crate) fn check_allowed(&self, model: &str) -> Result<(), GatewayError> {
        if let Some(key) = self.key.filter(|key| !key.may_request(model)) {
            return Err(GatewayError::ModelNotAllowed {
                model: model.to_owned(),
                why: format!("the key {:?} may not request it", key.name),
            });
        }
        self.check_may_answer(model)
    }

    /// Checks the permission to route: a key with `auto` may use every name that means routing.
    ///
    /// # Errors
    /// [`GatewayError::ModelNotAllowed`].
    pub(crate) fn check_may_route(&self, asked: &str) -> Result<(), GatewayError> {
        match self.key.filter(|key| !key.may_request("auto") && !key.may_request(asked)) {
            Some(key) => Err(GatewayError::ModelNotAllowed {
                model: asked.to_owned(),
                why: format!("the key {:?} may not request \"auto\"", key.name),
            }),
            None => Ok(()),
        }
    }

    /// Checks that the headers name models that are served.
    ///
    /// # Errors
    /// [`GatewayError::HeaderUnknownModel`].
    pub(crate) fn check_headers(&self) -> Result<(), GatewayError> {
        let named = [
            ("x-pointsman-models", self.options.models.as_deref().unwrap_or_default()),
            ("x-pointsman-exclude", &self.options.exclude),
        ];
        for (header, models) in named {
            if let Some(found) = models.iter().find(|model| !self.serves(model)) {
                return Err(GatewayError::HeaderUnknownModel { header, found: found.clone() });
            }
        }
        Ok(())
    }

    /// Whether the caller has a list of models or a budget, which fields that change the model or the price
    /// would void. A caller without a key shares the upstream's account with those that have one.
    pub(crate) fn is_restricted(&self) -> bool {
        self.key.map_or(self.has_keys, |key| key.models.is_some() || key.budget.is_some())
    }

    /// A field or a type of tool of the request that is not passed on to a model's upstream. `text` is the
    /// request's body.
    pub(crate) fn refused_field(
        &self,
        model: &str,
        request: &RequestBody,
        text: &str,
    ) -> Option<String> {
        let upstream = self.upstreams.get(model)?;
        let restricted = self.is_restricted();
        let rules = Rules { restricted, refuse: &upstream.refuse, allow: &upstream.allow };
        let field = refused_field(request.named_values(text), request.dialect, rules);
        let tool = || refused_tool(request.tool_types(), &upstream.allow).filter(|_| restricted);
        // An answer that is fetched later would not be charged.
        let budget = self.key.is_some_and(|key| key.budget.is_some());
        let later = || (budget && request.background).then_some("background");
        field.or_else(tool).or_else(later).map(str::to_owned)
    }
}
