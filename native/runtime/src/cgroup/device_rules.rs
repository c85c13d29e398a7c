//! Which devices a container may use.

use std::os::fd::AsFd;
use std::path::Path;

use gantry_sys::bpf;

use super::{Hierarchy, device_filter, write_value};
use crate::error::{At, Failure, Result};
use crate::spec::DeviceRule;

/// Always allowed, after the rules of the configuration: making nodes (they are of no use without read or write access),
/// the default devices, and terminals.
const ALWAYS: [(&str, Option<i64>, Option<i64>, &str); 10] = [
    ("c", None, None, "m"),
    ("b", None, None, "m"),
    ("c", Some(1), Some(3), "rwm"),
    ("c", Some(1), Some(5), "rwm"),
    ("c", Some(1), Some(7), "rwm"),
    ("c", Some(1), Some(8), "rwm"),
    ("c", Some(1), Some(9), "rwm"),
    ("c", Some(5), Some(0), "rwm"),
    ("c", Some(5), Some(2), "rwm"),
    ("c", Some(136), None, "rwm"),
];

fn effective(rules: &[DeviceRule]) -> Vec<DeviceRule> {
    let always = ALWAYS.iter().map(|(kind, major, minor, access)| DeviceRule {
        allow: true,
        kind: (*kind).to_owned(),
        major: *major,
        minor: *minor,
        access: (*access).to_owned(),
    });
    rules.iter().cloned().chain(always).collect()
}

/// Writes the rules in order to the devices controller of version 1. Without rules everything stays allowed.
pub fn write_v1(hierarchies: &[Hierarchy], rules: &[DeviceRule]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let Some(group) = hierarchies.iter().find(|h| h.has("devices")).map(|h| &h.group) else {
        return Err(Failure::refusal("cgroup", "the devices controller is not mounted here"));
    };
    for rule in effective(rules) {
        let file = if rule.allow { "devices.allow" } else { "devices.deny" };
        write_value(&group.join(file), &line(&rule))?;
    }
    Ok(())
}

/// `c 1:3 rwm`; `a` for everything.
fn line(rule: &DeviceRule) -> String {
    let number = |value: Option<i64>| match value {
        Some(n) if n >= 0 => n.to_string(),
        _ => "*".to_owned(),
    };
    let kind = if rule.kind.is_empty() { "a" } else { &rule.kind };
    let access = if rule.access.is_empty() { "rwm" } else { &rule.access };
    format!("{kind} {}:{} {access}", number(rule.major), number(rule.minor))
}

/// Version 2 has no devices controller: a BPF program on the group decides. Without rules there is none.
pub fn attach_filter(group: &Path, rules: &[DeviceRule]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let program =
        bpf::load_device_program(&device_filter::compile(&effective(rules))?).at("load device filter", group)?;
    let directory = std::fs::File::open(group).at("open", group)?;
    bpf::attach_device_program(directory.as_fd(), program.as_fd()).at("attach device filter", group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_the_kernel_wants_it() {
        let all = DeviceRule { access: "rwm".to_owned(), ..DeviceRule::default() };
        assert_eq!(line(&all), "a *:* rwm");
        let null = DeviceRule { kind: "c".to_owned(), major: Some(1), minor: Some(3), ..DeviceRule::default() };
        assert_eq!(line(&null), "c 1:3 rwm");
    }
}
