//! Own and library pipelines give the same ids.
