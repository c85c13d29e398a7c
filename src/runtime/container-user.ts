import { GantryError } from "../errors/index.ts";

/** Who a container's process runs as. */
export interface ContainerUser {
  uid: number;
  gid: number;
  additionalGids: number[];
  home: string;
}

/** The text of the image's own account files; undefined where the image has none. */
export interface AccountFiles {
  passwd: string | undefined;
  group: string | undefined;
}

const MAX_ID = 0x7fffffff;

/**
 * Looks up `USER` of an image or `-u`: `name`, `uid`, `name:group`, `uid:gid`, or nothing for root. Names must be in the
 * image's files; numbers need not be. Without a group the user's own is taken, and the groups that list the user are
 * added; with a group given, only that one (as Docker does).
 *
 * @throws USER_NOT_FOUND, GROUP_NOT_FOUND with Docker's words
 */
export function resolveContainerUser(spec: string, files: AccountFiles): ContainerUser {
  const colon = spec.indexOf(":");
  const userPart = colon < 0 ? spec : spec.slice(0, colon);
  const groupPart = colon < 0 ? "" : spec.slice(colon + 1);
  const accounts = parsePasswd(files.passwd ?? "");

  const wantedUid = parseId(userPart);
  // A name made of digits wins over the number, as in getpwnam-then-uid order of chown(1) and Docker.
  const account =
    userPart === ""
      ? accounts.find((a) => a.uid === 0)
      : (accounts.find((a) => a.name === userPart) ?? accounts.find((a) => a.uid === wantedUid));
  if (account === undefined && userPart !== "" && wantedUid === undefined) {
    throw new GantryError("USER_NOT_FOUND", `unable to find user ${userPart}: no matching entries in passwd file`, {
      remedy: "Use a name that the image's /etc/passwd has, or a numeric id.",
      details: { user: spec },
    });
  }
  const uid = account?.uid ?? wantedUid ?? 0;
  const home = account?.home === undefined || account.home === "" ? "/" : account.home;

  const groups = parseGroup(files.group ?? "");
  if (groupPart !== "") {
    const group = groups.find((g) => g.name === groupPart);
    const gid = group?.gid ?? parseId(groupPart);
    if (gid === undefined) {
      throw new GantryError("GROUP_NOT_FOUND", `unable to find group ${groupPart}: no matching entries in group file`, {
        remedy: "Use a name that the image's /etc/group has, or a numeric id.",
        details: { user: spec },
      });
    }
    return { uid, gid, additionalGids: [gid], home };
  }
  const gid = account?.gid ?? 0;
  const additional = account === undefined ? [] : groups.filter((g) => g.members.includes(account.name));
  return { uid, gid, additionalGids: [...new Set([gid, ...additional.map((g) => g.gid)])], home };
}

function parsePasswd(text: string): { name: string; uid: number; gid: number; home: string }[] {
  return records(text).flatMap(([name, , uidText, gidText, , home]) => {
    const uid = parseId(uidText ?? "");
    const gid = parseId(gidText ?? "");
    return name === undefined || uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home: home ?? "" }];
  });
}

function parseGroup(text: string): { name: string; gid: number; members: string[] }[] {
  return records(text).flatMap(([name, , gidText, members]) => {
    const gid = parseId(gidText ?? "");
    return name === undefined || gid === undefined ? [] : [{ name, gid, members: (members ?? "").trim().split(",") }];
  });
}

function records(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

function parseId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}
