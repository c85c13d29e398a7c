//! Conditions on the arguments of a system call. Arguments are 64 bits, BPF's words 32: each condition looks at the high
//! half, then at the low half.

use gantry_sys::seccomp::Instruction;

use super::program::{Test, and, argument_offsets, load, test};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    NotEqual,
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
    /// (argument & value) == `value_two`
    MaskedEqual,
}

#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// 0 to 5.
    pub index: u32,
    pub operator: Operator,
    pub value: u64,
    pub value_two: u64,
}

/// Where a test leads.
#[derive(Clone, Copy)]
enum To {
    Next,
    /// The condition holds.
    Pass,
    Fail,
}

enum Step {
    Plain(Instruction),
    Test(Test, u32, To, To),
}

/// `if all conditions hold { action } ` and then falls through. `narrow`: an architecture whose arguments are 32 bits.
pub fn rule(conditions: &[Condition], action: Instruction, narrow: bool) -> Vec<Instruction> {
    // From the end, so that distances to the end of the rule are known.
    let mut code = vec![action];
    for condition in conditions.iter().rev() {
        let steps = steps(condition, narrow);
        let mut own = Vec::with_capacity(steps.len());
        for (position, step) in steps.iter().enumerate() {
            let after = steps.len() - position - 1;
            let distance = |to: To| match to {
                To::Next => 0,
                To::Pass => after as u8,
                To::Fail => (after + code.len()) as u8,
            };
            own.push(match step {
                Step::Plain(instruction) => *instruction,
                Step::Test(kind, operand, yes, no) => test(*kind, *operand, distance(*yes), distance(*no)),
            });
        }
        own.extend(code);
        code = own;
    }
    code
}

fn steps(condition: &Condition, narrow: bool) -> Vec<Step> {
    use Step::{Plain, Test as Try};
    let (low_offset, high_offset) = argument_offsets(condition.index);
    let (low, high) = (condition.value as u32, (condition.value >> 32) as u32);
    let mut steps = Vec::with_capacity(6);
    if condition.operator == Operator::MaskedEqual {
        let (low_two, high_two) = (condition.value_two as u32, (condition.value_two >> 32) as u32);
        if !narrow {
            steps.extend([Plain(load(high_offset)), Plain(and(high)), Try(Test::Equal, high_two, To::Next, To::Fail)]);
        }
        steps.extend([Plain(load(low_offset)), Plain(and(low)), Try(Test::Equal, low_two, To::Pass, To::Fail)]);
        return steps;
    }
    // Less is "not at least", at most "not greater", not equal "not equal": the same tests, led the other way.
    let (kind, yes, no) = match condition.operator {
        Operator::Equal | Operator::MaskedEqual => (Test::Equal, To::Pass, To::Fail),
        Operator::NotEqual => (Test::Equal, To::Fail, To::Pass),
        Operator::Greater => (Test::Greater, To::Pass, To::Fail),
        Operator::AtMost => (Test::Greater, To::Fail, To::Pass),
        Operator::AtLeast => (Test::AtLeast, To::Pass, To::Fail),
        Operator::Less => (Test::AtLeast, To::Fail, To::Pass),
    };
    if !narrow {
        steps.push(Plain(load(high_offset)));
        if kind == Test::Equal {
            steps.push(Try(Test::Equal, high, To::Next, no));
        } else {
            steps.push(Try(Test::Greater, high, yes, To::Next));
            steps.push(Try(Test::Equal, high, To::Next, no));
        }
    }
    steps.extend([Plain(load(low_offset)), Try(kind, low, yes, no)]);
    steps
}
