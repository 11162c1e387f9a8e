//! Reads how a request's body is compressed.

use crate::error::GatewayError;

/// A compression that the runtime can undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// gzip.
    Gzip,
    /// deflate: in zlib's format as the specification says, or without it as some clients send it.
    Deflate,
}

impl Compression {
    /// Reads the header `content-encoding`; none for a body that is not compressed.
    ///
    /// # Errors
    /// [`GatewayError::EncodingUnsupported`] for another encoding, or more than one.
    pub(crate) fn of(header: Option<&str>) -> Result<Option<Self>, GatewayError> {
        let header = header.unwrap_or_default();
        let names = header.split(',').map(|name| name.trim().to_ascii_lowercase());
        let stated: Vec<String> =
            names.filter(|name| !name.is_empty() && name != "identity").collect();
        match stated.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Ok(None),
            ["gzip" | "x-gzip"] => Ok(Some(Self::Gzip)),
            ["deflate"] => Ok(Some(Self::Deflate)),
            _ => Err(GatewayError::EncodingUnsupported { found: header.to_owned() }),
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// The runtime's name of the format of data with this first byte.
    pub(crate) fn format(self, first: u8) -> &'static str {
        // A stream of zlib's states its method, which is 8, in the lower half of its first byte.
        match self {
            Self::Gzip => "gzip",
            Self::Deflate if first & 0x0f == 8 => "deflate",
            Self::Deflate => "deflate-raw",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_read_in_any_spelling() {
        for header in [None, Some(""), Some("identity"), Some(" Identity , ")] {
            assert_eq!(Compression::of(header), Ok(None), "{header:?}");
        }
        for header in ["gzip", "GZIP", " x-gzip ", "identity, gzip"] {
            assert_eq!(Compression::of(Some(header)), Ok(Some(Compression::Gzip)), "{header}");
        }
        assert_eq!(Compression::of(Some("Deflate")), Ok(Some(Compression::Deflate)));
    }

    #[test]
    fn another_encoding_is_refused_by_name() {
        for header in ["br", "zstd", "gzip, gzip", "deflate,br", "compress", "utf-8"] {
            let error = Compression::of(Some(header)).map_err(|e| (e.status(), e.to_string()));
            let told = matches!(&error, Err((415, message)) if message.contains(header));
            assert!(told, "{header}: {error:?}");
        }
    }

    #[test]
    fn deflate_has_two_formats() {
        assert_eq!(Compression::Deflate.format(0x78), "deflate");
        for first in [0x00, 0x01, 0x4b, 0xab] {
            assert_eq!(Compression::Deflate.format(first), "deflate-raw");
        }
        assert_eq!(Compression::Gzip.format(0x1f), "gzip");
    }
}
