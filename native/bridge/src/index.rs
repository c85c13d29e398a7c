//! Reads a merged layer index (wasm/common/format.ts, section 2) that nobody vouches for: everything that extraction
//! relies on is checked once, in [`Index::check`], before the first file is made.

use gantry_sys::errno::{Errno, StepError};
use gantry_sys::format::*;

/// The reason why an index is refused; TypeScript makes LAYER_INDEX_INVALID of EUCLEAN.
fn malformed(what: &'static str) -> StepError {
    StepError::new(what, Errno(libc::EUCLEAN), "")
}

fn ensure(holds: bool, otherwise: &'static str) -> Result<(), StepError> {
    if holds { Ok(()) } else { Err(malformed(otherwise)) }
}

/// A name in a directory.
pub struct Node<'a> {
    pub name: &'a [u8],
    pub inode: u32,
    pub first_child: u32,
    pub child_count: u32,
    pub parent: u32,
}

/// A file.
pub struct Inode<'a> {
    /// `ENTRY_*`.
    pub kind: u8,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub device: (u32, u32),
    pub time: (i64, u32),
    pub layer: usize,
    pub size: u64,
    pub data_offset: u64,
    pub stored_bytes: u64,
    pub link_target: &'a [u8],
    pub xattrs: &'a [u8],
    first_extent: u32,
    extent_count: u32,
    pub first_node: u32,
}

/// A checked index: the accessors cannot go out of bounds.
pub struct Index<'a> {
    nodes: &'a [u8],
    inodes: &'a [u8],
    extents: &'a [u8],
    pool: &'a [u8],
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// `count` items of `item_bytes` at `offset`, if they lie within.
fn section(bytes: &[u8], offset: u64, count: u64, item_bytes: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let length = usize::try_from(count).ok()?.checked_mul(item_bytes)?;
    bytes.get(start..start.checked_add(length)?)
}

impl<'a> Index<'a> {
    /// Checks an index against the sizes of its layers' tars (0 = bottom).
    pub fn check(bytes: &'a [u8], tar_bytes: &[u64]) -> Result<Self, StepError> {
        ensure(bytes.len() >= INDEX_HEADER_BYTES && bytes[..8] == INDEX_MAGIC, "it is not a layer index")?;
        ensure(u32_at(bytes, 8) == INDEX_VERSION, "its version is unknown")?;
        ensure(u32_at(bytes, 12) & INDEX_MERGED != 0, "it is not merged")?;
        ensure(u64_at(bytes, 80) == bytes.len() as u64, "its length is not what its header says")?;
        let count = |at| u64::from(u32_at(bytes, at));
        let outside = || malformed("a section lies outside");
        let index = Index {
            nodes: section(bytes, u64_at(bytes, 32), count(16), NODE_BYTES).ok_or_else(outside)?,
            inodes: section(bytes, u64_at(bytes, 40), count(20), INODE_BYTES).ok_or_else(outside)?,
            extents: section(bytes, u64_at(bytes, 48), count(28), EXTENT_BYTES).ok_or_else(outside)?,
            pool: section(bytes, u64_at(bytes, 56), u64_at(bytes, 64), 1).ok_or_else(outside)?,
        };
        index.check_inodes(tar_bytes)?;
        index.check_nodes()?;
        Ok(index)
    }

    fn check_inodes(&self, tar_bytes: &[u64]) -> Result<(), StepError> {
        for raw in self.inodes.as_chunks::<INODE_BYTES>().0 {
            let pool_range = |at| self.in_pool(u32_at(raw, at), u32_at(raw, at + 4) as usize);
            let link_target = pool_range(64).ok_or_else(|| malformed("a link target lies outside"))?;
            let xattrs = pool_range(72).ok_or_else(|| malformed("an xattr list lies outside"))?;
            ensure(Xattrs(xattrs).all(|x| x.is_some()), "an xattr list is malformed")?;
            ensure(u16_at(raw, 2) <= 0o7777, "a mode has bits above 07777")?;
            ensure(u32_at(raw, 32) < 1_000_000_000, "a time has too many nanoseconds")?;
            let (size, offset, stored) = (u64_at(raw, 40), u64_at(raw, 48), u64_at(raw, 56));
            match raw[0] {
                ENTRY_REGULAR => {
                    ensure(size <= i64::MAX as u64, "a file is too large")?;
                    let extents =
                        section(self.extents, u64::from(u32_at(raw, 80)) * 16, u64::from(u32_at(raw, 84)), 16)
                            .ok_or_else(|| malformed("a file's extents lie outside"))?;
                    check_extents(extents, size, stored)?;
                    if stored > 0 {
                        let tar = tar_bytes.get(u32_at(raw, 36) as usize);
                        let tar = *tar.ok_or_else(|| malformed("a file is in a layer that is not given"))?;
                        let end = offset.checked_add(stored);
                        ensure(end.is_some_and(|end| end <= tar), "a file's data lies outside its layer's tar")?;
                    }
                }
                ENTRY_SYMLINK => ensure(
                    !link_target.is_empty() && !link_target.contains(&0),
                    "a symlink's target is empty or holds a NUL",
                )?,
                ENTRY_CHAR | ENTRY_BLOCK | ENTRY_DIRECTORY | ENTRY_FIFO => {}
                _ => return Err(malformed("an inode has an unknown type")),
            }
        }
        Ok(())
    }

    /// That the nodes are one tree: every node but the root lies in the children of its parent, which comes before it,
    /// and every child says so.
    fn check_nodes(&self) -> Result<(), StepError> {
        let count = self.node_count();
        ensure(count > 0, "it has no root")?;
        for (number, raw) in self.nodes.as_chunks::<NODE_BYTES>().0.iter().enumerate() {
            let name = self.name_at(number).ok_or_else(|| malformed("a name lies outside"))?;
            ensure(u16_at(raw, 6) & (NODE_WHITEOUT | NODE_OPAQUE) == 0, "a merged index has a whiteout")?;
            let inode = u32_at(raw, 8) as usize;
            ensure(inode < self.inodes.len() / INODE_BYTES, "a node's inode lies outside")?;
            let (first, children, parent) = (u32_at(raw, 12), u32_at(raw, 16), u32_at(raw, 20) as usize);
            let inode = &self.inodes[inode * INODE_BYTES..];
            if inode[0] == ENTRY_DIRECTORY {
                ensure(u32_at(inode, 88) as usize == number, "a directory has two names")?;
            } else {
                ensure(children == 0, "a file that is no directory has children")?;
                let named = u32_at(inode, 88);
                ensure(
                    named <= number as u32 && self.inode_of(named) == u32_at(raw, 8),
                    "an inode's first name is another file's",
                )?;
            }
            if children > 0 {
                let end = u64::from(first) + u64::from(children);
                ensure(first as usize > number && end <= u64::from(count), "a directory's children lie outside")?;
                let strangers = (first..end as u32).any(|child| self.parent_of(child) != number as u32);
                ensure(!strangers, "a directory has another's children")?;
            }
            if number == 0 {
                ensure(inode[0] == ENTRY_DIRECTORY, "the root is not a directory")?;
                continue;
            }
            ensure(!name.is_empty() && name != b"." && name != b"..", "a name is empty, . or ..")?;
            ensure(!name.iter().any(|byte| *byte == b'/' || *byte == 0), "a name holds a slash or a NUL")?;
            ensure(parent < number, "a node comes before its parent")?;
            let siblings = &self.nodes[parent * NODE_BYTES..];
            let first = u32_at(siblings, 12) as usize;
            let within = (first..first + u32_at(siblings, 16) as usize).contains(&number);
            ensure(within, "a node is not among its parent's children")?;
            let ordered = number == first || self.name_at(number - 1) < Some(name);
            ensure(ordered, "a directory's names are not in order")?;
        }
        Ok(())
    }

    fn name_at(&self, node: usize) -> Option<&'a [u8]> {
        let raw = &self.nodes[node * NODE_BYTES..];
        self.in_pool(u32_at(raw, 0), usize::from(u16_at(raw, 4)))
    }

    fn in_pool(&self, offset: u32, length: usize) -> Option<&'a [u8]> {
        self.pool.get(offset as usize..(offset as usize).checked_add(length)?)
    }

    fn inode_of(&self, node: u32) -> u32 {
        u32_at(self.nodes, node as usize * NODE_BYTES + 8)
    }

    fn parent_of(&self, node: u32) -> u32 {
        u32_at(self.nodes, node as usize * NODE_BYTES + 20)
    }

    pub fn node_count(&self) -> u32 {
        (self.nodes.len() / NODE_BYTES) as u32
    }

    pub fn node(&self, number: u32) -> Node<'a> {
        let raw = &self.nodes[number as usize * NODE_BYTES..];
        Node {
            name: self.name_at(number as usize).unwrap_or_default(),
            inode: u32_at(raw, 8),
            first_child: u32_at(raw, 12),
            child_count: u32_at(raw, 16),
            parent: u32_at(raw, 20),
        }
    }

    pub fn inode(&self, number: u32) -> Inode<'a> {
        let raw = &self.inodes[number as usize * INODE_BYTES..];
        let pool = |at| self.in_pool(u32_at(raw, at), u32_at(raw, at + 4) as usize).unwrap_or_default();
        Inode {
            kind: raw[0],
            mode: u32::from(u16_at(raw, 2)),
            uid: u32_at(raw, 4),
            gid: u32_at(raw, 8),
            device: (u32_at(raw, 16), u32_at(raw, 20)),
            time: (u64_at(raw, 24) as i64, u32_at(raw, 32)),
            layer: u32_at(raw, 36) as usize,
            size: u64_at(raw, 40),
            data_offset: u64_at(raw, 48),
            stored_bytes: u64_at(raw, 56),
            link_target: pool(64),
            xattrs: pool(72),
            first_extent: u32_at(raw, 80),
            extent_count: u32_at(raw, 84),
            first_node: u32_at(raw, 88),
        }
    }

    pub fn is_directory(&self, node: u32) -> bool {
        self.inodes[self.inode_of(node) as usize * INODE_BYTES] == ENTRY_DIRECTORY
    }

    /// (file offset, bytes), ascending; data is contiguous in the tar.
    pub fn extents(&self, inode: &Inode<'_>) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let start = inode.first_extent as usize * EXTENT_BYTES;
        let raw = self.extents.get(start..start + inode.extent_count as usize * EXTENT_BYTES).unwrap_or_default();
        raw.as_chunks::<EXTENT_BYTES>().0.iter().map(|e| (u64_at(e, 0), u64_at(e, 8)))
    }

    pub fn is_sparse(&self, inode: &Inode<'_>) -> bool {
        inode.extent_count > 0 || inode.stored_bytes < inode.size
    }

    /// The path of a node below the root, without a leading slash; empty for the root.
    pub fn path(&self, node: u32) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = node;
        while at != 0 {
            let Node { name, parent, .. } = self.node(at);
            names.push(name);
            at = parent;
        }
        names.reverse();
        names.join(&b'/')
    }
}

fn check_extents(extents: &[u8], size: u64, stored: u64) -> Result<(), StepError> {
    if extents.is_empty() {
        return ensure(stored == size || stored == 0, "a file has less data than its size, but no extents");
    }
    let (mut at, mut sum) = (0u64, 0u64);
    for extent in extents.as_chunks::<EXTENT_BYTES>().0 {
        let (offset, bytes) = (u64_at(extent, 0), u64_at(extent, 8));
        ensure(offset >= at, "a file's extents overlap")?;
        at = offset.checked_add(bytes).ok_or_else(|| malformed("a file's extent is too long"))?;
        sum += bytes;
    }
    ensure(at <= size && sum == stored, "a file's extents do not fit its size")
}

/// The (name, value) pairs of an xattr list; None where the list is malformed, and then no more.
pub struct Xattrs<'a>(pub &'a [u8]);

impl<'a> Iterator for Xattrs<'a> {
    type Item = Option<(&'a [u8], &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let list = std::mem::take(&mut self.0);
        let Some((head, rest)) = list.split_at_checked(8) else { return Some(None) };
        let (name_bytes, value_bytes) = (usize::from(u16_at(head, 0)), u32_at(head, 4) as usize);
        let Some((name, rest)) = rest.split_at_checked(name_bytes) else { return Some(None) };
        let Some((value, rest)) = rest.split_at_checked(value_bytes) else { return Some(None) };
        if name.is_empty() || name.contains(&0) {
            return Some(None);
        }
        self.0 = rest;
        Some(Some((name, value)))
    }
}
