//! What a client's certificate says, written as RabbitMQ writes it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Any, Decode as _, Tag, Tagged as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::RdnSequence;

use super::{CertLogin, SanType};
use crate::broker::tls::PeerCertificate;

const COMMON_NAME: &str = "2.5.4.3";

/// Short names of what a subject is made of.
const SHORT_NAMES: &[(&str, &str)] = &[
    (COMMON_NAME, "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "TITLE"),
    ("2.5.4.42", "GIVENNAME"),
    ("2.5.4.43", "INITIALS"),
    ("2.5.4.44", "GENERATIONQUALIFIER"),
    ("2.5.4.65", "PSEUDONYM"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "EMAILADDRESS"),
];

/// Read a certificate that the transport has checked.
pub(super) fn read(der: &[u8], login_from: CertLogin) -> Option<PeerCertificate> {
    let certificate = Certificate::from_der(der).ok()?.tbs_certificate;
    let validity = &certificate.validity;
    let login = match login_from {
        CertLogin::DistinguishedName => Some(name(&certificate.subject)),
        CertLogin::CommonName => common_names(&certificate.subject),
        CertLogin::SubjectAlternativeName(kind, index) => {
            let found = certificate.get::<SubjectAltName>().ok().flatten();
            found.and_then(|(_, names)| alternative(&names, kind, index))
        }
    };
    Some(PeerCertificate {
        subject: name(&certificate.subject),
        issuer: name(&certificate.issuer),
        validity: format!(
            "{} - {}",
            validity.not_before.to_date_time(),
            validity.not_after.to_date_time()
        ),
        login,
    })
}

/// Most specific part first.
fn name(sequence: &RdnSequence) -> String {
    let part = |parts: &x509_cert::name::RelativeDistinguishedName| {
        let parts: Vec<String> = parts.0.iter().map(attribute).collect();
        parts.join("+")
    };
    let parts: Vec<String> = sequence.0.iter().rev().map(part).collect();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue) -> String {
    let oid = attribute.oid.to_string();
    let known = SHORT_NAMES.iter().find(|(known, _)| *known == oid);
    let value = escaped(&text(&attribute.value));
    match known {
        Some((_, short)) => format!("{short}={value}"),
        None => format!("{oid}:{value}"),
    }
}

fn common_names(subject: &RdnSequence) -> Option<String> {
    let wanted = ObjectIdentifier::new(COMMON_NAME).ok()?;
    let all = subject.0.iter().flat_map(|parts| parts.0.iter());
    let found: Vec<String> = all
        .filter(|attribute| attribute.oid == wanted)
        .map(|attribute| text(&attribute.value))
        .collect();
    (!found.is_empty()).then(|| found.join(","))
}

fn alternative(names: &SubjectAltName, wanted: SanType, index: usize) -> Option<String> {
    let text = |name: &GeneralName| match (wanted, name) {
        (SanType::Dns, GeneralName::DnsName(text)) => Some(text.to_string()),
        (SanType::Email, GeneralName::Rfc822Name(text)) => Some(text.to_string()),
        (SanType::Uri, GeneralName::UniformResourceIdentifier(text)) => Some(text.to_string()),
        (SanType::Ip, GeneralName::IpAddress(octets)) => address(octets.as_bytes()),
        (SanType::OtherName, GeneralName::OtherName(other)) => Some(text(&other.value)),
        _ => None,
    };
    names.0.iter().filter_map(text).nth(index)
}

fn address(octets: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(octets).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
    let sixteen = <[u8; 16]>::try_from(octets).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
    four.or(sixteen).ok().map(|ip| ip.to_string())
}

fn text(value: &Any) -> String {
    match value.tag() {
        Tag::BmpString => {
            let units = value.value().chunks_exact(2);
            let units: Vec<u16> = units
                .map(|pair| {
                    pair.iter()
                        .fold(0, |unit, octet| unit << 8 | u16::from(*octet))
                })
                .collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(value.value()).into_owned(),
    }
}

/// As RFC 4514 writes what could be taken for something else.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(value.len());
    for (at, one) in value.chars().enumerate() {
        match one {
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            '#' if at == 0 => out.push_str("\\#"),
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', one]),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\{:02X}", u32::from(one))),
            other => out.push(other),
        }
    }
    out
}
