//! Octets as RabbitMQ's error texts show them: in Erlang's notation.

/// Longer payloads are shown only in part.
const SHOWN: usize = 16;
/// Where Erlang's formatter wraps.
const LINE: usize = 80;

/// `<<"xxxx">>` when printable, else `<<0,50>>`.
pub(super) fn term(octets: &[u8]) -> String {
    let printable =
        |octet: &u8| (32..127).contains(octet) || matches!(octet, b'\n' | b'\r' | b'\t');
    if !octets.is_empty() && octets.iter().all(printable) {
        return format!("<<{:?}>>", String::from_utf8_lossy(octets));
    }
    self::octets(octets)
}

/// `<<0,50>>`.
pub(super) fn octets(octets: &[u8]) -> String {
    let all: Vec<String> = octets.iter().map(u8::to_string).collect();
    format!("<<{}>>", all.join(","))
}

/// `all octets = <<…>>`, or only the first ones.
pub(super) fn which_octets(payload: &[u8]) -> String {
    match payload.get(..SHOWN).filter(|_| payload.len() > SHOWN) {
        Some(first) => format!("first {SHOWN} octets = {}", term(first)),
        None => format!("all octets = {}", term(payload)),
    }
}

/// `type 9, all octets = <<"xxxx">>: unknown_frame`.
pub(super) fn error(kind: u8, payload: &[u8], reason: &str) -> String {
    format!("type {kind}, {}: {reason}", which_octets(payload))
}

/// The same for a wrong end octet; a long line is wrapped as Erlang does.
pub(super) fn bad_end(kind: u8, payload: &[u8], end: u8) -> String {
    let reason = format!("{{invalid_frame_end_marker,{end}}}");
    let flat = error(kind, payload, &reason);
    if flat.len() <= LINE {
        return flat;
    }
    let column = flat.len() - reason.len() + 1;
    let wrapped = format!("{{invalid_frame_end_marker,\n{}{end}}}", " ".repeat(column));
    error(kind, payload, &wrapped)
}
