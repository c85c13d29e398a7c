#!/usr/bin/env python3
"""see-plan.py PLAN.json TARGET [--upper DIR] - mounts a LowerPlan in a mount namespace of its own and prints the tree seen there.

An independent reader for the snapshotter suite: the kernel's own calls (fsopen, fsconfig, fsmount, move_mount) through ctypes, no code of
gantry. With --upper an overlay with that upper directory (and DIR.work) lies over the plan, as for a container. One JSON object a path,
sorted by path: p path (Latin-1 of its bytes), t type, mode, u, g, m mtime in ns, n link count of what is not a directory, i first path of
the same inode, s size, h SHA-256 of a file's bytes (of files over 64 MiB: of the runs that --probe OFFSET:BYTES names), to link target, dev
device numbers, x extended attributes in hex. Exits with 3 if the kernel refuses the mount, saying which step.
"""
import ctypes, hashlib, json, os, stat, sys

libc = ctypes.CDLL(None, use_errno=True)
FSOPEN, FSCONFIG, FSMOUNT, MOVE_MOUNT = 430, 431, 432, 429
CLONE_NEWNS, MS_REC, MS_SLAVE = 0x20000, 0x4000, 1 << 19


def call(step, result):
    if result < 0:
        e = ctypes.get_errno()
        print(f"see-plan.py: {step}: {os.strerror(e)}", file=sys.stderr)
        sys.exit(3)
    return result


def fs_mount(kind, options, target, flags=()):
    fd = call(f"fsopen {kind}", libc.syscall(FSOPEN, kind.encode(), 1))
    for flag in flags:
        call(f"fsconfig {flag}", libc.syscall(FSCONFIG, fd, 0, flag.encode(), None, 0))
    for key, value in options:
        call(f"fsconfig {key}={value}", libc.syscall(FSCONFIG, fd, 1, key.encode(), os.fsencode(value), 0))
    call(f"create {kind}", libc.syscall(FSCONFIG, fd, 6, None, None, 0))
    mount = call(f"fsmount {kind}", libc.syscall(FSMOUNT, fd, 1, 0))
    call("move_mount", libc.syscall(MOVE_MOUNT, mount, b"", -100, os.fsencode(target), 4))


def loop_device(path):
    """A read-only loop device that frees itself: returns its path and a descriptor that keeps it."""
    import fcntl

    control = os.open("/dev/loop-control", os.O_RDWR)
    for _ in range(64):
        number = fcntl.ioctl(control, 0x4C82)
        name = f"/dev/loop{number}"
        if not os.path.exists(name):
            os.mknod(name, stat.S_IFBLK | 0o600, os.makedev(7, number))
        loop = os.open(name, os.O_RDONLY)
        backing = os.open(path, os.O_RDONLY)
        # struct loop_config: fd, block_size, loop_info64 (lo_flags at 52: READ_ONLY | AUTOCLEAR)
        config = bytearray(304)
        config[0:4] = backing.to_bytes(4, "little")
        config[4:8] = (512).to_bytes(4, "little")
        config[8 + 52 : 8 + 56] = (1 | 4).to_bytes(4, "little")
        try:
            fcntl.ioctl(loop, 0x4C0A, bytes(config))
            return name, loop
        except OSError as e:
            if e.errno != 16:
                print(f"see-plan.py: loop device: {e}", file=sys.stderr)
                sys.exit(3)
        finally:
            os.close(backing)
    sys.exit(3)


def mount_lower(plan, target):
    if plan["type"] == "directory":
        call("bind", libc.mount(os.fsencode(plan["path"]), os.fsencode(target), None, 0x1000, None))
    elif plan["type"] == "empty":
        call("tmpfs", libc.mount(b"none", os.fsencode(target), b"tmpfs", 1, b"mode=755,size=4k"))
    else:
        paths = [plan["image"], *plan["devices"]]
        kept = []
        if plan.get("loop"):
            pairs = [loop_device(p) for p in paths]
            paths = [p for p, _ in pairs]
            kept = [fd for _, fd in pairs]
        fs_mount("erofs", [("source", paths[0]), *(("device", d) for d in paths[1:])], target, ["ro"])
        for fd in kept:
            os.close(fd)


def see(root, probes):
    seen, rows = {}, []
    root_bytes = os.fsencode(root)
    stack = [b""]
    while stack:
        p = stack.pop()
        full = root_bytes + b"/" + p if p else root_bytes
        s = os.lstat(full)
        mode = s.st_mode
        row = {"p": p.decode("latin-1"), "mode": stat.S_IMODE(mode), "u": s.st_uid, "g": s.st_gid, "m": str(s.st_mtime_ns)}
        xattrs = {}
        for key in os.listxattr(full, follow_symlinks=False):
            xattrs[key] = os.getxattr(full, key, follow_symlinks=False).hex()
        if xattrs:
            row["x"] = xattrs
        if not stat.S_ISDIR(mode):
            row["n"] = s.st_nlink
            row["i"] = seen.setdefault((s.st_dev, s.st_ino), row["p"])
        if stat.S_ISREG(mode):
            row["t"], row["s"] = "f", s.st_size
            h = hashlib.sha256()
            with open(full, "rb", buffering=0) as f:
                if s.st_size <= 64 << 20:
                    while b := f.read(1 << 20):
                        h.update(b)
                else:
                    for offset, length in probes:
                        f.seek(offset)
                        h.update(f.read(length))
            row["h"] = h.hexdigest()
        elif stat.S_ISDIR(mode):
            row["t"] = "d"
            names = sorted(os.listdir(full), reverse=True)
            stack.extend((p + b"/" + n) if p else n for n in names)
        elif stat.S_ISLNK(mode):
            row["t"], row["to"] = "l", os.readlink(full).decode("latin-1")
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            row["t"], row["dev"] = "c" if stat.S_ISCHR(mode) else "b", [os.major(s.st_rdev), os.minor(s.st_rdev)]
        else:
            row["t"] = "p" if stat.S_ISFIFO(mode) else "s"
        rows.append(row)
    rows.sort(key=lambda r: r["p"].encode("latin-1"))
    # The first path of an inode in sorted order, whatever order the walk came in.
    first = {}
    for row in rows:
        if "i" in row:
            row["i"] = first.setdefault(row["i"], row["p"])
    for row in rows:
        print(json.dumps(row, sort_keys=True))


if __name__ == "__main__":
    args = sys.argv[1:]
    probes, upper = [], None
    while "--probe" in args:
        at = args.index("--probe")
        probes.append(tuple(int(n) for n in args[at + 1].split(":")))
        del args[at : at + 2]
    if "--upper" in args:
        at = args.index("--upper")
        upper = args[at + 1]
        del args[at : at + 2]
    with open(args[0]) as f:
        plan = json.load(f)
    target = args[1]
    call("unshare", libc.unshare(CLONE_NEWNS))
    call("slave", libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None))
    if upper is None:
        mount_lower(plan, target)
        see(target, probes)
    else:
        lower = upper + ".lower"
        for d in (lower, upper, upper + ".work"):
            os.makedirs(d, exist_ok=True)
        mount_lower(plan, lower)
        options = [("lowerdir", lower), ("upperdir", upper), ("workdir", upper + ".work")]
        fs_mount("overlay", options + [("redirect_dir", "off"), ("metacopy", "off"), ("index", "off")], target)
        see(target, probes)
