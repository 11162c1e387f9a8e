//! Which other LLM could have answered a request, so that both answers can be compared.

use pointsman::{Decision, Manifest};

use super::{Needs, Planner};
use crate::request::endpoint::Dialect;
use crate::request::media::Media;
use crate::upstream::refused_fields::refused_tool;

/// The longest body of a request that is compared, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// The strong and the weak LLM between which a decision was made.
pub(crate) fn pair_of<'m>(
    manifest: &'m Manifest,
    decision: Option<&Decision>,
) -> Option<(&'m str, &'m str)> {
    decision?.win_rate?;
    let (strong, weak) = manifest.pair()?;
    Some((&manifest.candidates[strong].id, &manifest.candidates[weak].id))
}

impl Planner<'_> {
    /// The LLM of the pair that is not `called`, if the request can be compared: one answer in text, to text
    /// alone, without tools that an upstream runs or what it stores; and if that LLM may and can answer.
    pub(super) fn counterpart(
        &self,
        called: &str,
        decision: Option<&Decision>,
        needs: &Needs<'_>,
    ) -> Option<String> {
        let Planner { permissions, .. } = self;
        let shadow = permissions.settings.shadow.as_ref()?;
        let (strong, weak) = pair_of(permissions.manifest, decision)?;
        let other = match called {
            _ if called == strong => weak,
            _ if called == weak => strong,
            _ => return None,
        };
        let request = needs.request;
        let plain = request.dialect != Dialect::Embeddings
            && request.length <= MAX_BODY_BYTES
            && request.media == Media::default()
            && !request.background
            && request.answers() == Ok(1)
            && request.largest_output().is_ok()
            && refused_tool(request.tool_types(), &[]).is_none()
            && !needs.references.needs_stored();
        let may = permissions.key.is_none_or(|key| key.shadow)
            && shadow.asks(other)
            && self.answers_instead(other, needs)
            && self.fits(other, needs);
        (plain && may).then(|| other.to_owned())
    }
}
