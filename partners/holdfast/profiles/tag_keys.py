"""One's partner's tag keys, all of them: older entries of the log are found by older keys only.

`tag-keys.json` (0600) lies beside the profiles, for the keys are the partner's and no person's.
Whoever looks for entries on another machine copies it there.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as ModelError

from holdfast.errors import ProfileError
from holdfast.profiles.private_files import make_private_folder, read_private, write_private
from holdfast.protocol import base64url, canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.membership_payloads import TagKeyText
from holdfast.protocol.payloads import Handle
from holdfast.protocol.routing_tag import TagKey


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    tag_key: TagKeyText
    first_leaf: Annotated[int, Field(ge=0)] | None


class TagKeysDocument(BaseModel):
    """What `tag-keys.json` holds: keys by coordinator and partner, the oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partners: dict[str, dict[Handle, list[_Kept]]]


class TagKeyFile:
    """The tag keys below one folder.

    Args:
        home: `$HOLDFAST_HOME`.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "tag-keys.json"

    def keys(self, coordinator: str, handle: str) -> list[TagKey]:
        """Return all tag keys of a partner at a coordinator, the oldest first.

        Raises:
            ProfileError: If the file is damaged or too open.
        """
        kept = self._read().get(coordinator, {}).get(handle, [])
        return [TagKey(base64url.decode(each.tag_key), each.first_leaf) for each in kept]

    def keep(self, coordinator: str, handle: str, key: TagKey) -> None:
        """Keep a key, or from which entry on one holds that was kept before it was sent.

        Raises:
            ProfileError: If the file is damaged or too open, or nothing can be written.
        """
        others = [each for each in self.keys(coordinator, handle) if each.key != key.key]
        kept = [
            _Kept(tag_key=base64url.encode(each.key), first_leaf=each.first_leaf)
            for each in (*others, key)
        ]
        partners = self._read()
        partners = {**partners, coordinator: {**partners.get(coordinator, {}), handle: kept}}
        document = TagKeysDocument(partners=partners)
        make_private_folder(self._home)
        write_private(self._path, canonical_json.dumps(document.model_dump()) + b"\n")

    def _read(self) -> dict[str, dict[str, list[_Kept]]]:
        if not self._path.exists():
            return {}
        try:
            raw = strict_json.loads(read_private(self._path))
            return TagKeysDocument.model_validate(raw).partners
        except (ProtocolError, ModelError) as error:
            raise ProfileError(f"{self._path} is damaged: {error}") from None
