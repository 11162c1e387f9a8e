//! `trainer report`: pages and tables from stored results.
