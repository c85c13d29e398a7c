use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Seccomp {
    /// `SCMP_ACT_ERRNO` ...
    pub default_action: String,
    pub default_errno_ret: Option<u32>,
    /// `SCMP_ARCH_X86_64` ...; the native one is always included.
    pub architectures: Vec<String>,
    /// `SECCOMP_FILTER_FLAG_LOG` ...
    pub flags: Vec<String>,
    pub listener_path: String,
    pub syscalls: Vec<SyscallRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyscallRule {
    pub names: Vec<String>,
    pub action: String,
    pub errno_ret: Option<u32>,
    /// All must hold.
    pub args: Vec<SyscallArgument>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyscallArgument {
    /// Which argument, 0 to 5.
    pub index: u32,
    pub value: u64,
    #[serde(default)]
    pub value_two: u64,
    /// `SCMP_CMP_EQ` ...
    pub op: String,
}
