//! What the fuzz targets do with their input. The targets under `proto/fuzz` and the tests include
//! this one copy: a seed is a test, and a finding becomes one by being stored.

pub(crate) mod connection_ops;
pub(crate) mod frame;
pub(crate) mod peer;
pub(crate) mod source;
pub(crate) mod table;
pub(crate) mod wire;
