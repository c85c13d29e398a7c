//! Pieces of BPF programs (linux/filter.h, linux/seccomp.h).

use gantry_sys::seccomp::Instruction;

const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
const JUMP_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_GREATER: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// Offsets in `struct seccomp_data`.
pub const NUMBER: u32 = 0;
pub const ARCHITECTURE: u32 = 4;

/// Where the low and the high half of an argument are (little-endian machines).
pub fn argument_offsets(index: u32) -> (u32, u32) {
    (16 + 8 * index, 20 + 8 * index)
}

pub fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD_WORD, jump_true: 0, jump_false: 0, operand: offset }
}

pub fn and(mask: u32) -> Instruction {
    Instruction { code: AND, jump_true: 0, jump_false: 0, operand: mask }
}

pub fn give(action: u32) -> Instruction {
    Instruction { code: RETURN, jump_true: 0, jump_false: 0, operand: action }
}

/// Comparisons that BPF has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    Equal,
    Greater,
    AtLeast,
}

pub fn test(kind: Test, operand: u32, jump_true: u8, jump_false: u8) -> Instruction {
    let code = match kind {
        Test::Equal => JUMP_EQUAL,
        Test::Greater => JUMP_GREATER,
        Test::AtLeast => JUMP_AT_LEAST,
    };
    Instruction { code, jump_true, jump_false, operand }
}

/// Skips `count` instructions, however many.
pub fn skip(count: usize) -> Instruction {
    Instruction { code: JUMP, jump_true: 0, jump_false: 0, operand: count as u32 }
}

/// `if A (kind) operand { yes } else { no }`; neither part may fall through its end.
pub fn branch(kind: Test, operand: u32, yes: Vec<Instruction>, no: Vec<Instruction>) -> Vec<Instruction> {
    let mut code = Vec::with_capacity(2 + yes.len() + no.len());
    match u8::try_from(no.len()) {
        Ok(near) => code.push(test(kind, operand, near, 0)),
        // A conditional jump reaches 255 instructions.
        Err(_) => code.extend([test(kind, operand, 0, 1), skip(no.len())]),
    }
    code.extend(no);
    code.extend(yes);
    code
}
