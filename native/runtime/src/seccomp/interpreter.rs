//! Runs filters in tests, as the kernel would.

use gantry_sys::seccomp::Instruction;

pub struct Call {
    pub architecture: u32,
    pub number: u32,
    pub arguments: [u64; 6],
}

/// The action that the program returns.
pub fn run(program: &[Instruction], call: &Call) -> u32 {
    let mut data = Vec::new();
    data.extend(call.number.to_le_bytes());
    data.extend(call.architecture.to_le_bytes());
    data.extend(0u64.to_le_bytes());
    call.arguments.iter().for_each(|argument| data.extend(argument.to_le_bytes()));
    let (mut accumulator, mut at) = (0u32, 0usize);
    loop {
        let instruction = program[at];
        at += 1;
        let operand = instruction.operand;
        let condition = match instruction.code {
            0x20 => {
                let offset = operand as usize;
                accumulator = u32::from_le_bytes(data[offset..offset + 4].try_into().unwrap());
                continue;
            }
            0x54 => {
                accumulator &= operand;
                continue;
            }
            0x05 => {
                at += operand as usize;
                continue;
            }
            0x06 => return operand,
            0x15 => accumulator == operand,
            0x25 => accumulator > operand,
            0x35 => accumulator >= operand,
            code => panic!("unknown instruction {code:#x}"),
        };
        at += usize::from(if condition { instruction.jump_true } else { instruction.jump_false });
    }
}
