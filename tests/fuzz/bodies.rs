//! What the fuzz targets do with their input. The targets under `tests/fuzz` and the tests include this
//! one copy: a seed is a test, and a finding becomes one by being stored.

use std::path::Path;

use leveret::config::decoder::Decoder;
use leveret::config::written::Written;
use leveret::config::{advanced, check_text, effective, erlang};

/// Target `conf`: whatever a settings file says, it is understood or refused, and what is told of
/// it can be shown. The first byte says whether it is `rabbitmq.conf` or `advanced.config`.
pub(crate) fn conf(input: &[u8]) {
    let Some((kind, raw)) = input.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(raw).into_owned();
    let faults = match kind % 2 {
        0 => match check_text(Path::new("rabbitmq.conf"), text.clone()) {
            Ok(loaded) => {
                let rows = effective::rows(&loaded);
                assert!(erlang::text(&rows).starts_with("[{rabbit,"));
                Vec::new()
            }
            Err(faults) => faults,
        },
        _ => {
            let (mut written, mut decoder) = (Written::default(), Decoder::default());
            let path = Path::new("advanced.config");
            let read = advanced::add(path, text.clone(), &mut written, &mut decoder);
            read.err().into_iter().collect()
        }
    };
    for fault in faults {
        let span = fault.place.as_ref().map_or(0..0, |place| place.span());
        assert!(span.start <= span.end && span.end <= text.len(), "{span:?}");
        assert!(!fault.to_string().is_empty());
    }
}
