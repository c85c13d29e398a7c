#!/usr/bin/env python3
"""tree.py tar|dir [PATH] [--rules fixture] [--nanoseconds] - the tree in a tar (PATH or stdin) or under a directory, as JSON lines.

An independent second opinion (Python's own tarfile and stat) on what an export or a container's root file system holds. One object a path,
sorted: p path (Latin-1 of its bytes), t type, mode, u, g, and by type s size, m mtime (seconds), h SHA-256 of the content, to link target,
dev device numbers, x extended attributes in hex, n the names of one hard-linked file joined by NUL (only with --links). `--rules fixture` leaves out
what an engine adds to every container (dev, proc, sys, .dockerenv, some of etc), as the shared fixtures do.
"""
import argparse, hashlib, json, os, stat, sys, tarfile

ap = argparse.ArgumentParser()
ap.add_argument("kind", choices=["tar", "dir"])
ap.add_argument("path", nargs="?")
ap.add_argument("--rules", choices=["all", "fixture"], default="all")
ap.add_argument("--nanoseconds", action="store_true")
ap.add_argument("--links", action="store_true", help="also print which paths are one file")
ap.add_argument("--times", choices=["files", "all"], default="files")
a = ap.parse_args()
ENGINE_MAKES = {b"", b".dockerenv", b"etc", b"etc/hosts", b"etc/hostname", b"etc/resolv.conf", b"etc/mtab"}
RAW = ("utf-8", "surrogateescape")
tree, links = {}, {}


def left_out(p):
    return a.rules == "fixture" and (p in ENGINE_MAKES or p.split(b"/")[0] in (b"dev", b"proc", b"sys"))


def clean(name):
    parts = [c for c in name.split(b"/") if c not in (b"", b".")]
    return b"/".join(parts)


def digest(f):
    h = hashlib.sha256()
    while b := f.read(1 << 20):
        h.update(b)
    return h.hexdigest()


def time_of(value):
    return value if a.nanoseconds else int(value // 1)


def entry(p, t, mode, u, g, **rest):
    o = {"p": p.decode("latin-1"), "t": t, "u": u, "g": g, **{k: v for k, v in rest.items() if v is not None}}
    if t != "l":
        o["mode"] = mode & 0o7777
    tree[p] = o
    return o


def from_tar(stream):
    t = tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape")
    for m in t:
        p = clean(m.name.encode(*RAW))
        if m.islnk():
            target = clean(m.linkname.encode(*RAW))
            links.setdefault(target, [target]).append(p)
            if target in tree:
                tree[p] = {**tree[target], "p": p.decode("latin-1")}
            continue
        x = {k[13:]: v.encode(*RAW).hex() for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr.")} or None
        when = m.pax_headers.get("mtime")
        mtime = time_of(float(when) if when is not None and not a.nanoseconds else m.mtime) if not a.nanoseconds else (when or str(m.mtime))
        mt = mtime if m.isreg() or a.times == "all" else None
        if m.isreg():
            f = t.extractfile(m)
            entry(p, "f", m.mode, m.uid, m.gid, s=m.size, m=mt, h=digest(f), x=x)
        elif m.isdir():
            entry(p, "d", m.mode, m.uid, m.gid, m=mt, x=x)
        elif m.issym():
            entry(p, "l", m.mode, m.uid, m.gid, to=m.linkname.encode(*RAW).decode("latin-1"), m=mt)
        elif m.ischr() or m.isblk():
            entry(p, "c" if m.ischr() else "b", m.mode, m.uid, m.gid, dev=[m.devmajor, m.devminor], m=mt, x=x)
        elif m.isfifo():
            entry(p, "p", m.mode, m.uid, m.gid, m=mt, x=x)
        else:
            sys.exit(f"tree.py: unknown type {m.type!r} of {m.name}")


def from_dir(root):
    inodes = {}
    device = os.stat(root).st_dev  # root may be the magic link /proc/PID/root
    for base, dirs, files in os.walk(root, followlinks=False):
        for name in dirs + files + ([b""] if base == root else []):
            full = os.path.join(base, name) if name else base + b"/"
            s = os.lstat(full)
            p = clean(full[len(root):])
            x = {}
            for k in os.listxattr(full, follow_symlinks=False):
                if k not in ("security.selinux",) and not k.startswith("trusted.overlay."):
                    x[k] = os.getxattr(full, k, follow_symlinks=False).hex()
            x = x or None
            mtime = f"{s.st_mtime_ns // 10**9}.{s.st_mtime_ns % 10**9:09d}" if a.nanoseconds else s.st_mtime_ns // 10**9
            mt = mtime if stat.S_ISREG(s.st_mode) or a.times == "all" else None
            mode = stat.S_IMODE(s.st_mode)
            if stat.S_ISREG(s.st_mode):
                with open(full, "rb") as f:
                    entry(p, "f", mode, s.st_uid, s.st_gid, s=s.st_size, m=mt, h=digest(f), x=x)
                if s.st_nlink > 1:
                    inodes.setdefault((s.st_dev, s.st_ino), []).append(p)
            elif stat.S_ISDIR(s.st_mode):
                entry(p, "d", mode, s.st_uid, s.st_gid, m=mt, x=x)
            elif stat.S_ISLNK(s.st_mode):
                entry(p, "l", mode, s.st_uid, s.st_gid, to=os.readlink(full).decode("latin-1"), m=mt)
            elif stat.S_ISCHR(s.st_mode) or stat.S_ISBLK(s.st_mode):
                entry(p, "c" if stat.S_ISCHR(s.st_mode) else "b", mode, s.st_uid, s.st_gid, dev=[os.major(s.st_rdev), os.minor(s.st_rdev)], m=mt, x=x)
            elif stat.S_ISFIFO(s.st_mode):
                entry(p, "p", mode, s.st_uid, s.st_gid, m=mt, x=x)
        dirs[:] = [d for d in dirs if os.lstat(os.path.join(base, d)).st_dev == device]
    for names in inodes.values():
        links[names[0]] = names


if a.kind == "tar":
    from_tar(open(a.path, "rb") if a.path else sys.stdin.buffer)
else:
    from_dir(os.fsencode(a.path).rstrip(b"/") or b"/")
for p in sorted(tree):
    if not left_out(p):
        print(json.dumps(tree[p], sort_keys=True))
if a.links:
    groups = sorted(sorted({n for n in names if not left_out(n) and n in tree}) for names in links.values())
    for names in groups:
        if len(names) > 1:
            print(json.dumps({"n": [n.decode("latin-1") for n in names]}))
