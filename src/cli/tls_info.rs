//! TLS and ciphers: what is spoken, and which certificates expire.

use serde_json::json;

use super::command::{
    Command,
    Group::{Configuration, Observability},
    Invalid, Needs, Opt, Tools,
};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::Output;
use super::session::{Reply, Session};

/// What rustls speaks, as OpenSSL names it.
const SUITES: [&str; 9] = [
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
];
const VERSIONS: [&str; 2] = ["tlsv1.3", "tlsv1.2"];

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "check_certificate_expiration",
        Observability,
        "Fails if a certificate is about to expire",
        check_expiration,
    )
    .usage((0, 0), "[--within <period>] [--unit <unit>]")
    .options(&[Opt::integer("within"), Opt::text("unit")])
    .help(&[
        ("--within <period>", "how far to look ahead (4)"),
        (
            "--unit <days | weeks | months | years>",
            "the unit of that (weeks)",
        ),
    ])
    .check(|s| match s.option("unit") {
        None | Some("days" | "weeks" | "months" | "years") => Ok(()),
        Some(unit) => Err(Invalid::usage(format!(
            "\"unit '{unit}' is not supported. Please use one of: days, weeks, months, years\""
        ))),
    })
    .tools(Tools::DIAGNOSTICS)
    .banner(|s| format!("Checking certificate expiration on node {} ...", s.node())),
    Command::new(
        "tls_versions",
        Observability,
        "Shows the versions of TLS that are spoken",
        |_| {
            let json = json!({ "result": "ok", "versions": VERSIONS });
            Ok(Output::Report {
                text: VERSIONS.join("\n"),
                json,
            })
        },
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .offline()
    .banner(|_| "Listing all TLS versions supported by the runtime...".to_owned()),
    Command::new(
        "cipher_suites",
        Observability,
        "Shows the cipher suites that are spoken",
        |_| {
            Ok(Output::Report {
                text: SUITES.join("\n"),
                json: json!({ "cipher_suites": SUITES }),
            })
        },
    )
    .usage(
        (0, 0),
        "[--format <openssl | erlang | map>] [--all] [--timeout <timeout>]",
    )
    .options(&[Opt::text("format"), Opt::flag("all")])
    .help(&[("--format <openssl>", "how they are named: here only so")])
    .check(|s| match s.option("format") {
        None | Some("openssl") => Ok(()),
        Some(_) => Err(Invalid::value("Format should be openssl")),
    })
    .tools(Tools::DIAGNOSTICS)
    .offline()
    .banner(|_| "Listing available cipher suites in OpenSSL format".to_owned()),
    Command::new(
        "certificates",
        Configuration,
        "Shows the certificates of AMQP's listeners over TLS",
        super::certificates::shown,
    )
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Application)
    .banner(|s| format!("Certificates of node {} ...", s.node())),
];

fn check_expiration(s: &Session<'_>) -> Result<Output, Failure> {
    let (within, unit) = (
        s.option("within").unwrap_or("4"),
        s.option("unit").unwrap_or("weeks"),
    );
    let path = format!("/api/health/checks/certificate-expiration/{within}/{unit}");
    let reply: Reply = s.send("GET", &path, None)?;
    if !reply.is_success() {
        return Err(Failure::bare(EX_UNAVAILABLE, expiring(&reply)));
    }
    let unit = if within == "1" {
        unit.trim_end_matches('s')
    } else {
        unit
    };
    Ok(Output::Report {
        text: format!("No certificates are expiring within {within} {unit}."),
        json: json!({ "result": "ok" }),
    })
}

/// As Elixir shows terms.
fn expiring(reply: &Reply) -> String {
    let listeners = reply.body["expired"].as_array();
    let shown = listeners.into_iter().flatten().map(|one| {
        let term = |name: &str| one[name].to_string().replace("\",\"", "\", \"");
        let (node, protocol) = (one["node"].as_str().unwrap_or_default(), term("protocol"));
        let file = |name: &str| format!("{name}: {}", term(name));
        format!(
            "%{{node: :{node}, port: {}, protocol: :{protocol}, {}, {}, {}, {}, {}}}",
            term("port"),
            file("interface"),
            file("cacertfile"),
            file("certfile"),
            file("certfile_expires_on"),
            file("cacertfile_expires_on"),
        )
    });
    shown.collect::<Vec<_>>().join("\n")
}
