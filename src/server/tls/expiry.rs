//! When certificates expire.

use std::io;
use std::path::Path;

use x509_cert::Certificate;

/// Until when those certificates of a file (PEM) are good that are not good any more at `at_s`, in
/// seconds since 1970, as `YYYY-MM-DD HH:MM:SS` in UTC.
pub(crate) fn expired(file: &Path, at_s: u64) -> io::Result<Vec<String>> {
    let all = Certificate::load_pem_chain(&std::fs::read(file)?).map_err(io::Error::other)?;
    let ends = all
        .iter()
        .map(|one| one.tbs_certificate.validity.not_after.to_date_time());
    let over = ends.filter(|end| end.unix_duration().as_secs() < at_s);
    Ok(over
        .map(|end| end.to_string().replace('T', " ").replace('Z', ""))
        .collect())
}
