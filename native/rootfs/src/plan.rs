use std::path::PathBuf;

/// How to mount what an image's layers come to. Its twin is src/snapshot/snapshotter.ts. Paths are absolute.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(tag = "type", rename_all = "lowercase"))]
pub enum LowerPlan {
    Erofs {
        image: PathBuf,
        devices: Vec<PathBuf>,
        #[cfg_attr(feature = "serde", serde(rename = "loop", default))]
        loop_devices: bool,
    },
    Directory {
        path: PathBuf,
    },
    Empty,
}
