//! Routes about policies, parameters and limits.

use super::{
    Family,
    Who::{Administrator, Management, Policymaker},
    act, delete, list, one, put,
};

const POLICY: &[&str] = &[
    "pattern: string",
    "definition: object",
    "priority?: integer",
    "apply-to?: all, queues, classic_queues, quorum_queues, streams or exchanges",
];

const DEFINITIONS: &[&str] = &[
    "vhosts?: list",
    "users?: list",
    "permissions?: list",
    "topic_permissions?: list",
    "parameters?: list",
    "global_parameters?: list",
    "policies?: list",
    "queues?: list",
    "exchanges?: list",
    "bindings?: list",
];

pub(super) static DEFINED: Family = Family {
    name: "Definitions",
    about: "Everything that is declared, as one object. An import is done whole or not at all.",
    routes: routes! {
        "/api/definitions":
            one(Administrator, "All definitions").query(&["download"]),
            act(Administrator, "Import definitions", DEFINITIONS);
        "/api/all-configuration":
            one(Administrator, "An old name for it").query(&["download"]),
            act(Administrator, "Import definitions", DEFINITIONS);
        "/api/definitions/{vhost}":
            one(Administrator, "The definitions in a virtual host").query(&["download"]),
            act(Administrator, "Import into a virtual host", DEFINITIONS);
    },
};

pub(super) static POLICIES: Family = Family {
    name: "Policies",
    about: "Settings for all queues and exchanges whose name fits; operator policies only lower limits.",
    routes: routes! {
        "/api/policies": list(Management, "The policies of all virtual hosts");
        "/api/policies/{vhost}": list(Management, "The policies of a virtual host");
        "/api/policies/{vhost}/{name}":
            one(Policymaker, "One policy"),
            put(Policymaker, "Set a policy", POLICY),
            delete(Policymaker, "Clear a policy");
        "/api/operator-policies": list(Management, "The operator policies of all virtual hosts");
        "/api/operator-policies/{vhost}":
            list(Management, "The operator policies of a virtual host");
        "/api/operator-policies/{vhost}/{name}":
            one(Administrator, "One operator policy"),
            put(Administrator, "Set an operator policy", POLICY),
            delete(Administrator, "Clear an operator policy");
    },
};

const VALUE: &[&str] = &["value: any"];

pub(super) static PARAMETERS: Family = Family {
    name: "Parameters",
    about: "Runtime parameters by component, and global ones.",
    routes: routes! {
        "/api/parameters": list(Policymaker, "All parameters");
        "/api/parameters/{component}": list(Policymaker, "The parameters of a component");
        "/api/parameters/{component}/{vhost}": list(Policymaker, "Those in one virtual host");
        "/api/parameters/{component}/{vhost}/{name}":
            one(Policymaker, "One parameter"),
            put(Policymaker, "Set a parameter", VALUE),
            delete(Policymaker, "Clear a parameter");
        "/api/global-parameters": list(Policymaker, "All global parameters");
        "/api/global-parameters/{name}":
            one(Policymaker, "One global parameter"),
            put(Policymaker, "Set a global parameter", VALUE),
            delete(Policymaker, "Clear a global parameter");
    },
};

const LIMIT: &[&str] = &["value: integer"];

pub(super) static LIMITS: Family = Family {
    name: "Limits",
    about: "How many connections, channels or queues there may be.",
    routes: routes! {
        "/api/vhost-limits": list(Management, "The limits of all virtual hosts").without_head();
        "/api/vhost-limits/{vhost}":
            list(Management, "The limits of a virtual host").without_head();
        "/api/vhost-limits/{vhost}/{limit}":
            put(Administrator, "Set max-connections or max-queues", LIMIT).success(&[204]),
            delete(Administrator, "Clear a limit");
        "/api/user-limits": list(Management, "The limits of all users").without_head();
        "/api/user-limits/{user}": list(Management, "The limits of a user").without_head();
        "/api/user-limits/{user}/{limit}":
            put(Administrator, "Set max-connections or max-channels", LIMIT).success(&[204]),
            delete(Administrator, "Clear a limit");
    },
};
