//! Feature flags and deprecated features.

use serde_json::Value;

use super::command::{Command, Group::FeatureFlags, Opt};
use super::failure::{EX_USAGE, Failure};
use super::http::segment;
use super::output::{Listing, Output};
use super::session::Session;
use super::value::{Cell, bare};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "list_feature_flags",
        FeatureFlags,
        "Lists feature flags",
        |s| {
            Ok(s.listing(&s.list("/api/feature-flags")?, |flag, column| {
                Cell::of(flag.get(column))
            }))
        },
    )
    .usage((0, 0), "[<column> ...] [--timeout <timeout>]")
    .columns(
        &[
            "desc",
            "doc_url",
            "name",
            "provided_by",
            "stability",
            "state",
        ],
        &["name", "state"],
    )
    .banner(|_| "Listing feature flags ...".to_owned()),
    Command::new(
        "enable_feature_flag",
        FeatureFlags,
        "Enables a feature flag, or all",
        enable,
    )
    .usage((1, 1), "[--opt-in] <all | feature_flag>")
    .options(&[Opt::flag("opt-in"), Opt::flag("experimental")])
    .help(&[("<feature_flag>", "name of the flag, or all")])
    .banner(|s| match s.arg(0) {
        "all" => "Enabling all feature flags ...".to_owned(),
        flag => format!("Enabling feature flag \"{flag}\" ..."),
    }),
    Command::new(
        "list_deprecated_features",
        FeatureFlags,
        "Lists deprecated features",
        |s| {
            let path = if s.flag("used") { "/used" } else { "" };
            let mut features = s.list(&format!("/api/deprecated-features{path}"))?;
            features.sort_by_key(|feature| feature.get("name").map(bare));
            Ok(deprecated(s, &features))
        },
    )
    .usage((0, 0), "[--used] [<column> ...]")
    .columns(
        &[
            "deprecation_phase",
            "desc",
            "doc_url",
            "name",
            "provided_by",
            "state",
        ],
        &["name", "deprecation_phase"],
    )
    .options(&[Opt::flag("used")])
    .help(&[("--used", "only those in use")])
    .banner(|_| "Listing deprecated features ...".to_owned()),
];

/// Where features have a state, it is shown, and they are drawn as a table.
fn deprecated(s: &Session<'_>, features: &[Value]) -> Output {
    let cell = |feature: &Value, column: &str| Cell::of(feature.get(column));
    let has_state = features
        .iter()
        .any(|feature| feature.get("state").is_some());
    if !(has_state && s.args().is_empty()) {
        return s.listing(features, cell);
    }
    let columns = vec!["name", "deprecation_phase", "state"];
    let row = |feature| columns.iter().map(|column| cell(feature, column)).collect();
    Output::Drawn(Listing {
        rows: features.iter().map(row).collect(),
        columns,
        streamed: false,
    })
}

fn enable(s: &Session<'_>) -> Result<Output, Failure> {
    let flags = s.list("/api/feature-flags")?;
    let name = |flag: &Value| flag.get("name").map(bare).unwrap_or_default();
    let wanted: Vec<_> = flags
        .iter()
        .filter(|flag| s.arg(0) == "all" || name(flag) == s.arg(0))
        .collect();
    if wanted.is_empty() {
        let text = format!("This feature flag is not supported by node {}", s.node());
        return Err(Failure::error(EX_USAGE, text));
    }
    for flag in wanted {
        let enabled = flag.get("state").is_some_and(|state| state == "enabled");
        // Those still in the making are not meant by "all".
        let experimental = flag
            .get("stability")
            .is_some_and(|kind| kind == "experimental");
        if !enabled && (!experimental || s.arg(0) != "all") {
            let path = format!("/api/feature-flags/{}/enable", segment(&name(flag)));
            s.must("PUT", &path, None)?;
        }
    }
    Ok(Output::Nothing)
}
