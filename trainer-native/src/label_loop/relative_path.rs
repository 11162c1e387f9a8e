//! A path as it is written into a file: relative to the file's folder.

use std::path::{Component, Path, PathBuf};

use crate::error::TrainerError;

/// `path` as seen from `folder`, both of which exist.
///
/// # Errors
/// [`TrainerError::File`], naming the one that does not exist.
pub fn relative(folder: &Path, path: &Path) -> Result<PathBuf, TrainerError> {
    let from = folder.canonicalize().map_err(TrainerError::file(folder))?;
    let to = path.canonicalize().map_err(TrainerError::file(path))?;
    Ok(between(&from, &to))
}

/// The way from one absolute path to another; `to` itself where they are on different drives.
fn between(from: &Path, to: &Path) -> PathBuf {
    let (from, parts): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&parts).take_while(|(a, b)| a == b).count();
    if same == 0 {
        return to.to_owned();
    }
    let up = from.iter().skip(same).map(|_| Component::ParentDir);
    up.chain(parts.into_iter().skip(same)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_goes_up_to_what_is_common_and_down_again() {
        let of = |from: &str, to: &str| between(Path::new(from), Path::new(to));
        assert_eq!(of("/a/b", "/a/c/d"), Path::new("../c/d"));
        assert_eq!(of("/a", "/a/d"), Path::new("d"));
        assert_eq!(of("/a/b/c", "/x"), Path::new("../../../x"));
    }

    #[test]
    fn what_does_not_exist_is_named() {
        let error = relative(Path::new("."), Path::new("/no/such/file")).map_err(|e| e.to_string());
        assert!(error.is_err_and(|error| error.starts_with("/no/such/file: ")));
    }
}
