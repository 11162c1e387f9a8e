//! The bundle that labels are learnt on top of.

use std::path::Path;

use pointsman::{Ability, Router};

use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::export::bundle;
use crate::training::bundle_encoder;

/// A bundle of kind `difficulty`.
pub struct Base {
    pub encoder: Encoder,
    pub router: Router,
    /// Usual abilities of a strong and a weak LLM.
    pub strong: Ability,
    pub weak: Ability,
}

impl Base {
    /// Reads the bundle in `folder`. The usual abilities are those of its own strong and weak candidate, `large` and
    /// `small` in the shipped bundles.
    ///
    /// # Errors
    /// [`TrainerError::BadEncoder`] for a bundle of another kind, and for one without a pair; those of the engine;
    /// [`TrainerError::File`].
    pub fn read(folder: &Path) -> Result<Self, TrainerError> {
        let encoder = bundle_encoder::read(folder)?;
        let router = Router::from_files(&bundle::read_files(folder)?)?;
        let info = router.info();
        let ability = |id: &Option<String>| {
            let id = id.as_ref()?;
            info.candidates.iter().find(|candidate| candidate.id == *id)?.ability.clone()
        };
        let pair = ability(&info.head.strong).zip(ability(&info.head.weak));
        let Some((strong, weak)) = pair else {
            return Err(TrainerError::BadEncoder {
                path: folder.to_owned(),
                detail: "found a bundle without a strong and a weak candidate, expected one of a pair, such as \
                         bundles/default"
                    .into(),
            });
        };
        Ok(Self { encoder, strong, weak, router })
    }
}
