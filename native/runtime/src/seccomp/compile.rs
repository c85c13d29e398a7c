use std::collections::BTreeMap;

use gantry_sys::libc;
use gantry_sys::seccomp::Instruction;

use super::condition::{Condition, Operator, rule};
use super::program::{ARCHITECTURE, NUMBER, Test, branch, give, load};
use super::syscall_numbers::SYSCALLS;
use crate::error::{Failure, Result};
use crate::spec::{Seccomp, SyscallArgument};

/// A program for the kernel, and the flags it is to be installed with.
pub struct Filter {
    pub instructions: Vec<Instruction>,
    pub flags: u64,
}

/// The kernel's limit (BPF_MAXINSNS).
const MAX_INSTRUCTIONS: usize = 4096;
/// Numbers of the x32 interface, in the architecture of x86_64.
const X32_BIT: u32 = 0x4000_0000;

const RET_KILL_PROCESS: u32 = 0x8000_0000;
const RET_ALLOW: u32 = 0x7fff_0000;
const RET_LOG: u32 = 0x7ffc_0000;
const RET_TRACE: u32 = 0x7ff0_0000;
const RET_ERRNO: u32 = 0x0005_0000;
const RET_TRAP: u32 = 0x0003_0000;
const RET_KILL_THREAD: u32 = 0;

const ACTIONS: [(&str, u32); 8] = [
    ("SCMP_ACT_KILL", RET_KILL_THREAD),
    ("SCMP_ACT_KILL_THREAD", RET_KILL_THREAD),
    ("SCMP_ACT_KILL_PROCESS", RET_KILL_PROCESS),
    ("SCMP_ACT_TRAP", RET_TRAP),
    ("SCMP_ACT_ERRNO", RET_ERRNO),
    ("SCMP_ACT_TRACE", RET_TRACE),
    ("SCMP_ACT_ALLOW", RET_ALLOW),
    ("SCMP_ACT_LOG", RET_LOG),
];

const OPERATORS: [(&str, Operator); 7] = [
    ("SCMP_CMP_NE", Operator::NotEqual),
    ("SCMP_CMP_LT", Operator::Less),
    ("SCMP_CMP_LE", Operator::AtMost),
    ("SCMP_CMP_EQ", Operator::Equal),
    ("SCMP_CMP_GE", Operator::AtLeast),
    ("SCMP_CMP_GT", Operator::Greater),
    ("SCMP_CMP_MASKED_EQ", Operator::MaskedEqual),
];

/// `SECCOMP_FILTER_FLAG_*` that make sense without a listener.
const FLAGS: [(&str, u64); 3] =
    [("SECCOMP_FILTER_FLAG_TSYNC", 1), ("SECCOMP_FILTER_FLAG_LOG", 2), ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4)];

/// A set of system call numbers.
struct Architecture {
    name: &'static str,
    /// linux/audit.h
    audit: u32,
    /// Its column in [`SYSCALLS`].
    column: usize,
    /// Arguments are 32 bits.
    narrow: bool,
}

const X86_64: Architecture = Architecture { name: "SCMP_ARCH_X86_64", audit: 0xc000_003e, column: 0, narrow: false };
const X32: Architecture = Architecture { name: "SCMP_ARCH_X32", audit: 0xc000_003e, column: 1, narrow: false };
const X86: Architecture = Architecture { name: "SCMP_ARCH_X86", audit: 0x4000_0003, column: 2, narrow: true };
const AARCH64: Architecture = Architecture { name: "SCMP_ARCH_AARCH64", audit: 0xc000_00b7, column: 3, narrow: false };

#[cfg(target_arch = "x86_64")]
const NATIVE: Architecture = X86_64;
#[cfg(target_arch = "aarch64")]
const NATIVE: Architecture = AARCH64;

pub const ARCHITECTURE_NAMES: [&str; 4] = [X86_64.name, X86.name, X32.name, AARCH64.name];
pub const ACTION_NAMES: fn() -> Vec<&'static str> = || ACTIONS.iter().map(|(name, _)| *name).collect();
pub const OPERATOR_NAMES: fn() -> Vec<&'static str> = || OPERATORS.iter().map(|(name, _)| *name).collect();

/// What happens to one system call: rules with conditions in order, then the outcome without.
#[derive(Clone, Default)]
struct Fate {
    conditional: Vec<(Vec<Condition>, u32)>,
    unconditional: Option<u32>,
}

/// Compiles the section, with the meaning that libseccomp gives it: conditions of one rule must all hold, unless two are
/// on the same argument, when any of them does; rules for the same call are tried in order; calls of an architecture that
/// is not listed kill the process. Names that no architecture knows are passed over.
///
/// Calls that are newer than any the section names get ENOSYS instead of the default, so that programs fall back to older
/// ones, as they would on an older kernel.
///
/// # Errors
/// Unknown actions, operators, architectures and flags; SCMP_ACT_NOTIFY; a program longer than the kernel takes.
pub fn compile(seccomp: &Seccomp) -> Result<Filter> {
    let default = action(&seccomp.default_action, seccomp.default_errno_ret)?;
    if !seccomp.listener_path.is_empty() {
        return Err(refuse("listenerPath is not supported"));
    }
    let mut flags = 0;
    for name in &seccomp.flags {
        let flag = FLAGS.iter().find(|(known, _)| known == name);
        flags |= flag.ok_or_else(|| refuse(&format!("flag {name:?} is not supported")))?.1;
    }
    let architectures = architectures(seccomp)?;
    let mut code = vec![give(RET_KILL_PROCESS)];
    // Built from the end: each architecture's test is put in front of what there is.
    for architecture in architectures.iter().rev().filter(|a| a.name != X32.name) {
        let fates = fates(seccomp, architecture)?;
        let mut section = calls(&fates, 0, default, architecture.narrow);
        if architecture.name == X86_64.name {
            let above = match architectures.iter().find(|a| a.name == X32.name) {
                Some(x32) => calls(&self::fates(seccomp, x32)?, X32_BIT, default, false),
                None => vec![give(RET_KILL_PROCESS)],
            };
            section = branch(Test::AtLeast, X32_BIT, above, section);
        }
        section.insert(0, load(NUMBER));
        code = branch(Test::Equal, architecture.audit, section, code);
    }
    code.insert(0, load(ARCHITECTURE));
    if code.len() > MAX_INSTRUCTIONS {
        return Err(refuse(&format!(
            "the filter needs {} instructions, the kernel takes {MAX_INSTRUCTIONS}",
            code.len()
        )));
    }
    Ok(Filter { instructions: code, flags })
}

fn refuse(message: &str) -> Failure {
    Failure::refusal("compile seccomp filter", format!("linux.seccomp: {message}"))
}

fn action(name: &str, errno: Option<u32>) -> Result<u32> {
    if name == "SCMP_ACT_NOTIFY" {
        return Err(refuse("SCMP_ACT_NOTIFY is not supported"));
    }
    let Some((_, value)) = ACTIONS.iter().find(|(known, _)| *known == name) else {
        return Err(refuse(&format!("unknown action {name:?}")));
    };
    Ok(match *value {
        RET_ERRNO | RET_TRACE => value | errno.unwrap_or(libc::EPERM as u32) & 0xffff,
        other => other,
    })
}

/// Those listed that can occur on this machine, the native one first.
fn architectures(seccomp: &Seccomp) -> Result<Vec<Architecture>> {
    const FOREIGN: [&str; 14] = [
        "SCMP_ARCH_ARM",
        "SCMP_ARCH_MIPS",
        "SCMP_ARCH_MIPS64",
        "SCMP_ARCH_MIPS64N32",
        "SCMP_ARCH_MIPSEL",
        "SCMP_ARCH_MIPSEL64",
        "SCMP_ARCH_MIPSEL64N32",
        "SCMP_ARCH_PPC",
        "SCMP_ARCH_PPC64",
        "SCMP_ARCH_PPC64LE",
        "SCMP_ARCH_S390",
        "SCMP_ARCH_S390X",
        "SCMP_ARCH_RISCV64",
        "SCMP_ARCH_PARISC",
    ];
    let mut chosen = vec![NATIVE];
    for name in &seccomp.architectures {
        let listed = match name.as_str() {
            "SCMP_ARCH_X86_64" => X86_64,
            "SCMP_ARCH_X86" => X86,
            "SCMP_ARCH_X32" => X32,
            "SCMP_ARCH_AARCH64" => AARCH64,
            other if FOREIGN.contains(&other) => continue,
            other => return Err(refuse(&format!("unknown architecture {other:?}"))),
        };
        let possible = (listed.name == AARCH64.name) == (NATIVE.name == AARCH64.name);
        if possible && !chosen.iter().any(|other| other.name == listed.name) {
            chosen.push(listed);
        }
    }
    Ok(chosen)
}

/// By number, in one architecture.
fn fates(seccomp: &Seccomp, architecture: &Architecture) -> Result<BTreeMap<u32, Fate>> {
    let mut fates: BTreeMap<u32, Fate> = BTreeMap::new();
    for entry in &seccomp.syscalls {
        let action = action(&entry.action, entry.errno_ret)?;
        let alternatives = alternatives(&entry.args)?;
        for name in &entry.names {
            let Ok(row) = SYSCALLS.binary_search_by_key(&name.as_str(), |(known, _)| known) else { continue };
            let Ok(number) = u32::try_from(SYSCALLS[row].1[architecture.column]) else { continue };
            let fate = fates.entry(number).or_default();
            if fate.unconditional.is_some() {
                continue; // decided by an earlier rule
            }
            if entry.args.is_empty() {
                fate.unconditional = Some(action);
            } else {
                fate.conditional.extend(alternatives.iter().map(|conditions| (conditions.clone(), action)));
            }
        }
    }
    Ok(fates)
}

/// The conditions of one rule: all of them together, or each by itself if two are on the same argument.
fn alternatives(arguments: &[SyscallArgument]) -> Result<Vec<Vec<Condition>>> {
    let conditions = arguments.iter().map(condition).collect::<Result<Vec<_>>>()?;
    let doubled = (0..6).any(|index| conditions.iter().filter(|c| c.index == index).count() > 1);
    if doubled { Ok(conditions.into_iter().map(|condition| vec![condition]).collect()) } else { Ok(vec![conditions]) }
}

fn condition(argument: &SyscallArgument) -> Result<Condition> {
    let Some((_, operator)) = OPERATORS.iter().find(|(name, _)| *name == argument.op) else {
        return Err(refuse(&format!("unknown operator {:?}", argument.op)));
    };
    if argument.index > 5 {
        return Err(refuse(&format!("a system call has no argument {}", argument.index)));
    }
    Ok(Condition { index: argument.index, operator: *operator, value: argument.value, value_two: argument.value_two })
}

/// A stretch of numbers, up to the next one's first, that end in the same way.
struct Stretch {
    first: u32,
    fate: Fate,
}

/// A search tree over all numbers; the accumulator holds the number.
fn calls(fates: &BTreeMap<u32, Fate>, base: u32, default: u32, narrow: bool) -> Vec<Instruction> {
    let plain = |action: u32| Fate { conditional: Vec::new(), unconditional: Some(action) };
    let permissive = default == RET_ALLOW || default == RET_LOG;
    let beyond = if permissive { default } else { RET_ERRNO | libc::ENOSYS as u32 };
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut add = |first: u32, fate: Fate| {
        let same = stretches.last().is_some_and(|last| {
            last.fate.conditional.is_empty()
                && fate.conditional.is_empty()
                && last.fate.unconditional == fate.unconditional
        });
        if !same {
            stretches.push(Stretch { first: base + first, fate });
        }
    };
    let mut next = 0;
    for (number, fate) in fates {
        if *number > next {
            add(next, plain(default));
        }
        let unconditional = Some(fate.unconditional.unwrap_or(default));
        add(*number, Fate { unconditional, conditional: fate.conditional.clone() });
        next = number + 1;
    }
    add(next, plain(if fates.is_empty() { default } else { beyond }));
    search(&stretches, narrow)
}

fn search(stretches: &[Stretch], narrow: bool) -> Vec<Instruction> {
    let [only] = stretches else {
        let (low, high) = stretches.split_at(stretches.len() / 2);
        return branch(Test::AtLeast, high[0].first, search(high, narrow), search(low, narrow));
    };
    let mut code = Vec::new();
    for (conditions, action) in &only.fate.conditional {
        code.extend(rule(conditions, give(*action), narrow));
    }
    code.push(give(only.fate.unconditional.unwrap_or(RET_KILL_PROCESS)));
    code
}

#[cfg(test)]
mod tests {
    use super::super::interpreter::{Call, run};
    use super::*;

    fn filter(json: &str) -> Filter {
        compile(&serde_json::from_str(json).unwrap()).unwrap()
    }

    fn number(name: &str, architecture: &Architecture) -> u32 {
        let row = SYSCALLS.binary_search_by_key(&name, |(known, _)| known).unwrap();
        SYSCALLS[row].1[architecture.column] as u32
    }

    fn call(name: &str, arguments: [u64; 6]) -> Call {
        Call { architecture: NATIVE.audit, number: number(name, &NATIVE), arguments }
    }

    const NONE: [u64; 6] = [0; 6];

    #[test]
    fn the_table_is_sorted_by_name() {
        assert!(SYSCALLS.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn every_call_of_every_architecture_ends_as_its_rule_says() {
        // Every third name allowed, every fifth refused with its own errno.
        let names = |step: usize, but: usize| {
            let chosen = SYSCALLS.iter().enumerate().filter(|(i, _)| i % step == 0 && (but == 0 || i % but != 0));
            let names: Vec<String> = chosen.map(|(_, (name, _))| format!("{name:?}")).collect();
            names.join(",")
        };
        let filter = filter(&format!(
            r#"{{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],
            "syscalls":[{{"names":[{}],"action":"SCMP_ACT_ALLOW"}},
            {{"names":[{}],"action":"SCMP_ACT_ERRNO","errnoRet":77}}]}}"#,
            names(3, 0),
            names(5, 3)
        ));
        for architecture in [X86_64, X86, X32] {
            let last = SYSCALLS
                .iter()
                .enumerate()
                .filter(|(i, _)| i % 3 == 0 || i % 5 == 0)
                .map(|(_, (_, numbers))| numbers[architecture.column])
                .max()
                .unwrap();
            for (i, (name, numbers)) in SYSCALLS.iter().enumerate() {
                let own = numbers[architecture.column];
                if own < 0 {
                    continue;
                }
                let base = if architecture.name == X32.name { X32_BIT } else { 0 };
                let call = Call { architecture: architecture.audit, number: base + own as u32, arguments: NONE };
                let expected = match i {
                    _ if i % 3 == 0 => RET_ALLOW,
                    _ if i % 5 == 0 => RET_ERRNO | 77,
                    _ if own > last => RET_ERRNO | libc::ENOSYS as u32,
                    _ => RET_ERRNO | libc::EPERM as u32,
                };
                assert_eq!(run(&filter.instructions, &call), expected, "{name} on {}", architecture.name);
            }
        }
    }

    #[test]
    fn calls_of_an_architecture_that_is_not_listed_kill() {
        let filter = filter(r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#);
        let foreign = Call { architecture: X86.audit, number: 1, arguments: NONE };
        assert_eq!(run(&filter.instructions, &foreign), RET_KILL_PROCESS);
        assert_eq!(run(&filter.instructions, &call("read", NONE)), RET_ALLOW);
        #[cfg(target_arch = "x86_64")]
        {
            let x32 = Call { architecture: X86_64.audit, number: X32_BIT, arguments: NONE };
            assert_eq!(run(&filter.instructions, &x32), RET_KILL_PROCESS);
        }
    }

    #[test]
    fn a_call_newer_than_any_named_does_not_exist() {
        let filter = filter(
            r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","openat2","nonsense"],
            "action":"SCMP_ACT_ALLOW"}]}"#,
        );
        assert_eq!(run(&filter.instructions, &call("faccessat2", NONE)), RET_ERRNO | libc::ENOSYS as u32);
        assert_eq!(run(&filter.instructions, &call("clone3", NONE)), RET_ERRNO | libc::EPERM as u32);
    }

    #[test]
    fn conditions_compare_all_64_bits() {
        let values = [0, 1, 5, 6, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0005, 0x5_0000_0000, u64::MAX];
        type Holds = fn(u64, u64) -> bool;
        let holds: [(&str, Holds); 6] = [
            ("NE", |a, v| a != v),
            ("LT", |a, v| a < v),
            ("LE", |a, v| a <= v),
            ("EQ", |a, v| a == v),
            ("GE", |a, v| a >= v),
            ("GT", |a, v| a > v),
        ];
        for (operator, holds) in holds {
            for value in values {
                let filter = filter(&format!(
                    r#"{{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{{"names":["personality"],"action":"SCMP_ACT_ALLOW",
                    "args":[{{"index":2,"value":{value},"op":"SCMP_CMP_{operator}"}}]}}]}}"#
                ));
                for argument in values {
                    let allowed =
                        run(&filter.instructions, &call("personality", [9, 9, argument, 9, 9, 9])) == RET_ALLOW;
                    assert_eq!(allowed, holds(argument, value), "{argument} {operator} {value}");
                }
            }
        }
    }

    #[test]
    fn conditions_of_a_rule_all_hold_and_rules_of_a_call_are_alternatives() {
        let filter = filter(
            r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
            {"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},
                {"index":1,"value":255,"valueTwo":3,"op":"SCMP_CMP_MASKED_EQ"}]},
            {"names":["socket"],"action":"SCMP_ACT_LOG","args":[{"index":2,"value":7,"op":"SCMP_CMP_EQ"},
                {"index":2,"value":8,"op":"SCMP_CMP_EQ"}]}]}"#,
        );
        let result = |a, b, c| run(&filter.instructions, &call("socket", [a, b, c, 0, 0, 0]));
        assert_eq!(result(1, 0x1_0000_0003, 0), RET_ALLOW);
        assert_eq!(result(1, 0x203, 0), RET_ALLOW);
        assert_eq!(result(1, 4, 0), RET_ERRNO | libc::EPERM as u32);
        assert_eq!(result(2, 3, 7), RET_LOG);
        assert_eq!(result(2, 3, 8), RET_LOG);
        assert_eq!(result(2, 3, 9), RET_ERRNO | libc::EPERM as u32);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for json in [
            r#"{"defaultAction":"SCMP_ACT_NOTIFY"}"#,
            r#"{"defaultAction":"SCMP_ACT_MAYBE"}"#,
            r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_X"]}"#,
            r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_VAX"]}"#,
            r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_LOG",
                "args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]}"#,
        ] {
            assert!(compile(&serde_json::from_str(json).unwrap()).is_err(), "{json}");
        }
    }
}
