"""VERIFY.txt: how to check the files of a bundle with openssl, as a script for any POSIX shell.

Each check is a line that names its files, above them the few commands that it stands for. What is
checked so is told in docs/evidence.md, and what only the kit checks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from holdfast.protocol.signed_note import NoteVerifier


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A token in the bundle.

    Attributes:
        file: Its name, without the ending.
        kid: Of the key that signed it.
        has_body: Whether the body that it was signed over lies beside it.
    """

    file: str
    kid: str
    has_body: bool


_HEAD = """\
# This is how the files of this bundle are checked with openssl alone. Unpack the ZIP into an empty
# folder, read this file, and run it there with any POSIX shell:
#
#     sh VERIFY.txt
#
# It says "ok" or "FAILED" for each check and ends with status 1 if one failed. It reads files of
# this folder, and writes to a temporary one. What a check proves, and what none of them can prove,
# is told in "Evidence" of the documentation (docs/evidence.md), and so is what is not looked at
# here: who was granted a key, which act a token was made for, whether anything is missing.
# Openssl 1.1.1 or newer is needed.

set -u
LC_ALL=C
export LC_ALL
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0

result() { # status, what
  if [ "$1" -eq 0 ]; then echo "ok      $2"; else echo "FAILED  $2"; failed=$((failed + 1)); fi
}
hex() { od -An -v -tx1 | tr -d ' \\n'; }
sha256() { openssl dgst -sha256 -binary "$1" | hex; }
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
unbase64url() { # text
  text=$(printf %s "$1" | tr '_-' '/+')
  while [ $((${#text} % 4)) -ne 0 ]; do text="$text="; done
  printf %s "$text" | openssl base64 -d -A
}

# A signature over a file: Ed25519, or ECDSA on P-256 with SHA-256 in DER.
signature() { # key, what was signed, signature
  if grep -q '^MCowBQYDK2Vw' "$1"; then
    openssl pkeyutl -verify -pubin -inkey "$1" -rawin -in "$2" -sigfile "$3" > "$work/said" 2>&1
  else
    openssl dgst -sha256 -verify "$1" -signature "$3" "$2" > "$work/said" 2>&1
  fi
}
# In a JWS an ECDSA signature is two numbers of 32 bytes (RFC 7518 section 3.4).
in_der() { # signature
  both=$(hex < "$1")
  printf 'asn1=SEQUENCE:both\\n[both]\\nr=INTEGER:0x%s\\ns=INTEGER:0x%s\\n' \\
    "$(printf %s "$both" | cut -c1-64)" "$(printf %s "$both" | cut -c65-128)" > "$work/asn1"
  openssl asn1parse -genconf "$work/asn1" -noout -out "$1" > "$work/said" 2>&1
}

# A file is as long-lived as its hash: manifest.json has that of every other file.
manifest() {
  { tr '{' '\\n' < manifest.json; echo; } |
    sed -n 's/^"path":"\\([^"]*\\)","sha256":"\\([0-9a-f]*\\)".*/\\2 \\1/p' > "$work/listed"
  cut -d' ' -f2 "$work/listed" | sort > "$work/names"
  find . -type f | sed 's|^\\./||' | grep -v '^manifest\\.json$' | sort > "$work/found"
  cmp -s "$work/names" "$work/found"
  result $? "manifest.json names every file, and no other"
  cut -d' ' -f2 "$work/listed" | xargs openssl dgst -sha256 -r 2> "$work/said" |
    tr -d '*' > "$work/sums"
  cmp -s "$work/listed" "$work/sums"
  result $? "every file has the SHA-256 that manifest.json says"
  grep -v -x -F -f "$work/listed" "$work/sums" | sed 's/^/        differs: /'
}

# A key is called by its RFC 7638 thumbprint: whoever knows that knows the key.
key() { # thumbprint
  openssl pkey -pubin -in "keys/$1.pem" -outform DER > "$work/der" 2> "$work/said"
  if grep -q '^MCowBQYDK2Vw' "keys/$1.pem"; then
    printf '{"crv":"Ed25519","kty":"OKP","x":"%s"}' "$(tail -c 32 "$work/der" | base64url)"
  else
    printf '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' \\
      "$(tail -c 64 "$work/der" | head -c 32 | base64url)" "$(tail -c 32 "$work/der" | base64url)"
  fi > "$work/jwk"
  [ "$(openssl dgst -sha256 -binary "$work/jwk" | base64url)" = "$1" ]
  result $? "keys/$1.pem has this thumbprint"
}

# An act: the key signed the token (a JWS, RFC 7515), which names the SHA-256 of the body. A passkey
# signs its authenticator's data and the hash of what the browser says, which names the hash of
# the .document (Web Authentication section 7.2); that names the SHA-256 of the body.
token_of() { # files, thumbprint
  token=$(cat "$1.token")
  if [ -f "$1.document" ]; then
    unbase64url "$(printf %s "$token" | cut -d. -f4)" > "$work/client"
    unbase64url "$(printf %s "$token" | cut -d. -f5)" > "$work/signed"
    openssl dgst -sha256 -binary "$work/client" >> "$work/signed"
    unbase64url "$(printf %s "$token" | cut -d. -f6)" > "$work/signature"
    cp "$1.document" "$work/claims"
    challenge=$(openssl dgst -sha256 -binary "$1.document" | base64url)
    grep -q "\\"challenge\\":\\"$challenge\\"" "$work/client" || return 1
  else
    printf %s "${token%.*}" > "$work/signed"
    unbase64url "${token##*.}" > "$work/signature"
    unbase64url "$(printf %s "$token" | cut -d. -f2)" > "$work/claims"
    grep -q '^MCowBQYDK2Vw' "keys/$2.pem" || in_der "$work/signature" || return 1
  fi
  signature "keys/$2.pem" "$work/signed" "$work/signature"
}
act() { # files, thumbprint
  token_of "$1" "$2" &&
    [ "$(sed -n 's/.*"body_sha256" *: *"\\([0-9a-f]*\\)".*/\\1/p' "$work/claims")" = \\
      "$(sha256 "$1.body")" ]
  result $? "$1 is signed by $2, over this body"
}
bodiless() { # files, thumbprint
  token_of "$1" "$2"
  result $? "$1 is signed by $2 (the body is not for this reader)"
}

# The checkpoint: the log signed its own name, the number of its entries and the root of its tree
# (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
checkpoint() { # key id
  sed '/^$/,$d' checkpoint > "$work/text"
  size=$(sed -n 2p checkpoint)
  root=$(sed -n 3p checkpoint)
  status=1
  for encoded in $(sed '1,/^$/d' checkpoint | cut -d' ' -f3); do
    printf %s "$encoded" | openssl base64 -d -A > "$work/line"
    if [ "$(head -c 4 "$work/line" | hex)" = "$1" ]; then
      tail -c +5 "$work/line" > "$work/signature"
      signature log-key.pem "$work/text" "$work/signature"
      status=$?
    fi
  done
  result $status "checkpoint is signed by log-key.pem"
}

# A timestamp authority signed when the checkpoint existed (RFC 3161). Whether to trust it, its root
# certificates tell: compare them, or put your own in their place. Certificates count as of the time
# that the timestamp says, where this system's date can read that; else as of now.
timestamp() {
  at=$(openssl ts -reply -in timestamp.tsr -text 2> "$work/said" | sed -n 's/^Time stamp: //p')
  seconds=$(date -u -d "$at" +%s 2> "$work/said")
  openssl ts -verify -in timestamp.tsr -data checkpoint -CAfile timestamp-roots.pem \\
    ${seconds:+-attime "$seconds"} > "$work/said" 2>&1
  result $? "timestamp.tsr is over checkpoint, which existed at $at"
}
authority() {
  awk -v to="$work/authority" '/-----BEGIN/ { n++ } { print > (to n) }' timestamp-roots.pem
  for each in "$work"/authority*; do
    echo "timestamp authority: $(openssl x509 -in "$each" -noout -subject -fingerprint -sha256)"
  done
}

# An entry of the log is in the tree (RFC 9162 section 2.1.3.2), and commits to what is shown.
join() { { printf '\\001'; cat "$1" "$2"; } | openssl dgst -sha256 -binary > "$work/joined"; }
in_tree() { # entry, proof
  sed '1,/^$/d' "$2" | cmp -s - checkpoint || return 1
  at=$(sed -n 's/^index //p' "$2")
  last=$((size - 1))
  [ "$at" -le "$last" ] || return 1
  { printf '\\000'; cat "$1"; } | openssl dgst -sha256 -binary > "$work/hash"
  for encoded in $(sed -e '1,2d' -e '/^$/,$d' "$2"); do
    [ "$last" -ne 0 ] || return 1
    printf %s "$encoded" | openssl base64 -d -A > "$work/sibling"
    if [ $((at % 2)) -eq 1 ] || [ "$at" -eq "$last" ]; then
      join "$work/sibling" "$work/hash"
      while [ $((at % 2)) -eq 0 ] && [ "$at" -ne 0 ]; do at=$((at / 2)); last=$((last / 2)); done
    else
      join "$work/hash" "$work/sibling"
    fi
    mv "$work/joined" "$work/hash"
    at=$((at / 2))
    last=$((last / 2))
  done
  [ "$last" -eq 0 ] && [ "$(openssl base64 -A < "$work/hash")" = "$root" ]
}
entry() { # its number
  in_tree "log/$1.entry" "log/$1.tlog-proof"
  status=$?
  [ "$(sed -n 's/^index //p' "log/$1.tlog-proof")" -eq "$(echo "$1" | sed 's/^0*\\(.\\)/\\1/')" ]
  result $((status + $?)) "entry $1 is in the log"
}
committed() { # its number
  bytes=$(hex < "log/$1.entry")
  type=$((0x$(printf %s "$bytes" | cut -c85-86)))
  from=$((87 + 2 * type))
  [ "$(printf %s "$bytes" | cut -c$from-$((from + 63)))" = "$(sha256 "log/$1.committed")" ]
  result $? "entry $1 commits to log/$1.committed"
}
"""
_TAIL = """
if [ "$failed" -ne 0 ]; then
  echo "$failed checks FAILED: do not rely on this bundle."
  exit 1
fi
echo "Every check is ok. They rest on these keys: compare them by another way."
"""


@dataclass(frozen=True, slots=True)
class BundleKeys:
    """The keys of a bundle.

    Attributes:
        log: The log's.
        kids: Thumbprints of all public keys.
        roots: Partner and thumbprint of each root key.
    """

    log: NoteVerifier
    kids: Sequence[str]
    roots: Sequence[tuple[str, str]]


def verify_text(
    signed: Iterable[SignedFile],
    entries: Iterable[tuple[int, bool]],
    *,
    keys: BundleKeys,
    is_stamped: bool,
) -> Iterator[bytes]:
    """Yield the parts of VERIFY.txt.

    Args:
        signed: Tokens, in the order of the bundle.
        entries: Of the log: index, and whether what it commits to is there.
        keys: Of the log, and of all members.
        is_stamped: Whether there is a timestamp of the checkpoint.
    """
    yield _HEAD.encode()
    yield b"\nmanifest\n\n"
    for kid in keys.kids:
        yield f"key {kid}\n".encode()
    yield b"\n"
    for each in signed:
        yield f"{'act' if each.has_body else 'bodiless'} {each.file} {each.kid}\n".encode()
    yield f"\ncheckpoint {keys.log.key_id.hex()}\n".encode()
    if is_stamped:
        yield b"timestamp\n"
    for index, has_committed in entries:
        yield f"entry {index:012}\n".encode()
        if has_committed:
            yield f"committed {index:012}\n".encode()
    yield _TAIL.encode()
    yield f"echo 'log: {keys.log}'\n".encode()
    for partner, kid in keys.roots:
        yield f"echo 'root key of {partner}: {kid}'\n".encode()
    if is_stamped:
        yield b"authority\n"
    else:
        yield b"echo 'There is no timestamp of an authority: times are those of the signers.'\n"
