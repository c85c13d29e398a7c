//! Device rules as an extended BPF program, for cgroup version 2, which has no devices controller.
//!
//! The kernel calls the program with `struct bpf_cgroup_dev_ctx { access << 16 | type, major, minor }`
//! (include/uapi/linux/bpf.h); 1 allows, 0 refuses. As in the controller of version 1 the last rule that applies decides,
//! and everything is allowed where none does.

use gantry_sys::bpf::ExtendedInstruction;

use crate::error::{Failure, Result};
use crate::spec::DeviceRule;

const MKNOD: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;
const ALL: i32 = MKNOD | READ | WRITE;
const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;

const LOAD_WORD: u8 = 0x61; // BPF_LDX | BPF_MEM | BPF_W
const MOVE_32: u8 = 0xbc; // BPF_ALU | BPF_MOV | BPF_X
const AND_32: u8 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const SHIFT_RIGHT_32: u8 = 0x74; // BPF_ALU | BPF_RSH | BPF_K
const SET: u8 = 0xb7; // BPF_ALU64 | BPF_MOV | BPF_K
const JUMP_EQUAL: u8 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_NOT_EQUAL: u8 = 0x55; // BPF_JMP | BPF_JNE | BPF_K
const EXIT: u8 = 0x95; // BPF_JMP | BPF_EXIT

// Registers: 0 the result, 1 the context, then scratch.
const CONTEXT: u8 = 1;
const SCRATCH: u8 = 1;
const ACCESS: u8 = 2;
const KIND: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

/// Compiles rules, given in the order in which they are to be applied.
pub fn compile(rules: &[DeviceRule]) -> Result<Vec<ExtendedInstruction>> {
    let mut code = vec![
        instruction(LOAD_WORD, ACCESS, CONTEXT, 0, 0),
        instruction(LOAD_WORD, MAJOR, CONTEXT, 4, 0),
        instruction(LOAD_WORD, MINOR, CONTEXT, 8, 0),
        instruction(MOVE_32, KIND, ACCESS, 0, 0),
        instruction(AND_32, KIND, 0, 0, 0xffff),
        instruction(SHIFT_RIGHT_32, ACCESS, 0, 0, 16),
    ];
    for rule in merged(rules)?.iter().rev() {
        code.extend(block(rule));
        if rule.kind.is_none() {
            return Ok(code); // decides everything: what came before does not count
        }
    }
    code.extend(outcome(true));
    Ok(code)
}

struct Rule {
    allow: bool,
    /// `None`: every device.
    kind: Option<i32>,
    major: Option<i32>,
    minor: Option<i32>,
    access: i32,
}

/// Rules that allow the same device in several steps count together, as long as nothing is refused in between.
fn merged(rules: &[DeviceRule]) -> Result<Vec<Rule>> {
    let mut merged: Vec<Rule> = Vec::new();
    for rule in rules {
        let rule = parse(rule)?;
        let earlier =
            merged.iter_mut().rev().take_while(|other| other.allow).find(|other| {
                rule.allow && (other.kind, other.major, other.minor) == (rule.kind, rule.major, rule.minor)
            });
        match earlier {
            Some(earlier) => earlier.access |= rule.access,
            None => merged.push(rule),
        }
    }
    Ok(merged)
}

fn parse(rule: &DeviceRule) -> Result<Rule> {
    let refuse = |what: String| Failure::refusal("compile device filter", format!("linux.resources.devices: {what}"));
    let kind = match rule.kind.as_str() {
        "" | "a" => None,
        "b" => Some(BLOCK),
        "c" | "u" => Some(CHARACTER),
        other => return Err(refuse(format!("unknown type {other:?}"))),
    };
    let mut access = 0;
    for letter in rule.access.chars() {
        access |= match letter {
            'r' => READ,
            'w' => WRITE,
            'm' => MKNOD,
            other => return Err(refuse(format!("unknown access {other:?}"))),
        };
    }
    let number = |value: Option<i64>| match value {
        None | Some(..0) => Ok(None),
        Some(n) => i32::try_from(n).map(Some).map_err(|_| refuse(format!("{n} is not a device number"))),
    };
    let access = if access == 0 { ALL } else { access };
    Ok(Rule { allow: rule.allow, kind, major: number(rule.major)?, minor: number(rule.minor)?, access })
}

/// `if the rule applies { return its outcome }`
fn block(rule: &Rule) -> Vec<ExtendedInstruction> {
    let Some(kind) = rule.kind else { return outcome(rule.allow) };
    let mut tests = vec![instruction(JUMP_NOT_EQUAL, KIND, 0, 0, kind)];
    if rule.access != ALL {
        tests.push(instruction(MOVE_32, SCRATCH, ACCESS, 0, 0));
        // All that is wanted has to be allowed; one part that is refused is enough.
        if rule.allow {
            tests.push(instruction(AND_32, SCRATCH, 0, 0, ALL & !rule.access));
            tests.push(instruction(JUMP_NOT_EQUAL, SCRATCH, 0, 0, 0));
        } else {
            tests.push(instruction(AND_32, SCRATCH, 0, 0, rule.access));
            tests.push(instruction(JUMP_EQUAL, SCRATCH, 0, 0, 0));
        }
    }
    for (register, number) in [(MAJOR, rule.major), (MINOR, rule.minor)] {
        tests.extend(number.map(|number| instruction(JUMP_NOT_EQUAL, register, 0, 0, number)));
    }
    let end = outcome(rule.allow);
    let length = tests.len() + end.len();
    for (position, test) in tests.iter_mut().enumerate() {
        if matches!(test.code, JUMP_EQUAL | JUMP_NOT_EQUAL) {
            test.offset = (length - position - 1) as i16;
        }
    }
    tests.extend(end);
    tests
}

fn outcome(allow: bool) -> Vec<ExtendedInstruction> {
    vec![instruction(SET, 0, 0, 0, i32::from(allow)), instruction(EXIT, 0, 0, 0, 0)]
}

fn instruction(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> ExtendedInstruction {
    ExtendedInstruction { code, registers: destination | source << 4, offset, immediate }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program as the kernel would.
    fn allows(code: &[ExtendedInstruction], kind: i32, access: i32, major: i32, minor: i32) -> bool {
        let context = [access << 16 | kind, major, minor];
        let (mut registers, mut at) = ([0i32; 6], 0usize);
        loop {
            let ExtendedInstruction { code, registers: r, offset, immediate } = code[at];
            let (destination, source) = (usize::from(r & 15), usize::from(r >> 4));
            at += 1;
            match code {
                LOAD_WORD => registers[destination] = context[offset as usize / 4],
                MOVE_32 => registers[destination] = registers[source],
                AND_32 => registers[destination] &= immediate,
                SHIFT_RIGHT_32 => registers[destination] >>= immediate,
                SET => registers[destination] = immediate,
                JUMP_EQUAL if registers[destination] == immediate => at += offset as usize,
                JUMP_NOT_EQUAL if registers[destination] != immediate => at += offset as usize,
                EXIT => return registers[0] == 1,
                _ => {}
            }
        }
    }

    fn rules(json: &str) -> Vec<ExtendedInstruction> {
        compile(&serde_json::from_str::<Vec<DeviceRule>>(json).unwrap()).unwrap()
    }

    #[test]
    fn the_last_rule_that_applies_decides() {
        let code = rules(
            r#"[{"allow":true,"type":"b","access":"rwm"},{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3,"access":"rw"},
            {"allow":true,"type":"c","major":10,"access":"r"},{"allow":true,"type":"c","major":10,"access":"w"},
            {"allow":false,"type":"c","major":10,"minor":200,"access":"w"}]"#,
        );
        assert!(allows(&code, CHARACTER, READ | WRITE, 1, 3));
        assert!(!allows(&code, CHARACTER, MKNOD, 1, 3));
        assert!(!allows(&code, CHARACTER, READ, 1, 5));
        assert!(!allows(&code, BLOCK, READ, 1, 3));
        assert!(allows(&code, CHARACTER, READ | WRITE, 10, 5));
        assert!(allows(&code, CHARACTER, READ, 10, 200));
        assert!(!allows(&code, CHARACTER, READ | WRITE, 10, 200));
    }

    #[test]
    fn without_a_rule_everything_is_allowed() {
        assert!(allows(&rules("[]"), BLOCK, ALL, 8, 0));
        let code = rules(r#"[{"allow":false,"type":"b","access":"w"}]"#);
        assert!(allows(&code, BLOCK, READ, 8, 0));
        assert!(!allows(&code, BLOCK, READ | WRITE, 8, 0));
    }

    #[test]
    fn the_kernel_accepts_and_obeys_the_program() {
        use std::os::fd::AsFd;
        let top = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].into_iter().map(std::path::Path::new);
        let group = top
            .filter(|path| path.join("cgroup.controllers").exists())
            .map(|path| path.join(format!("gantry-test-{}", std::process::id())))
            .next();
        let Some(group) = group.filter(|group| std::fs::create_dir(group).is_ok()) else {
            return println!("skipped: needs root and a unified cgroup hierarchy");
        };
        let code =
            rules(r#"[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3,"access":"rw"}]"#);
        let program = gantry_sys::bpf::load_device_program(&code).unwrap();
        let directory = std::fs::File::open(&group).unwrap();
        gantry_sys::bpf::attach_device_program(directory.as_fd(), program.as_fd()).unwrap();
        let script = format!("echo $$ > {}/cgroup.procs; echo > /dev/null && ! head -c 1 /dev/zero", group.display());
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let removed = std::fs::remove_dir(&group);
        assert!(output.status.success(), "{output:?}");
        removed.unwrap();
    }
}
