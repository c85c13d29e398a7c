//! `features`: what this runtime can do (OCI runtime-spec, features.md).

use serde_json::{Value, json};

use crate::process::CAPABILITY_NAMES;
use crate::rootfs::KNOWN_MOUNT_OPTIONS;
use crate::seccomp::{ACTION_NAMES, ARCHITECTURE_NAMES, OPERATOR_NAMES};
use crate::spec::OCI_VERSION;

pub fn features() -> Value {
    json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": OCI_VERSION,
        "hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
        "mountOptions": KNOWN_MOUNT_OPTIONS(),
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
            "capabilities": &CAPABILITY_NAMES[..],
            "cgroup": { "v1": true, "v2": true, "systemd": false, "systemdUser": false, "rdma": false },
            "seccomp": {
                "enabled": true,
                "actions": ACTION_NAMES(),
                "operators": OPERATOR_NAMES(),
                "archs": ARCHITECTURE_NAMES,
                "knownFlags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
                "supportedFlags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]
            },
            "apparmor": { "enabled": true },
            "selinux": { "enabled": false },
            "intelRdt": { "enabled": false },
            "mountExtensions": { "idmap": { "enabled": false } }
        }
    })
}
