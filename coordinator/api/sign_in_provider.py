"""A partner's own OpenID provider, by which its people sign in to the console, to read."""

from coordinator.api.context import AppContext
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, personal, query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.membership.sign_in_providers import (
    RemoveSignInProvider,
    SetSignInProvider,
    SignInProviderView,
    get_provider,
)
from holdfast.protocol import membership_payloads, views


class ProviderRemoved(views.View):
    """A provider is over."""

    id: str
    status: str
    log: views.LogEntry | None = None


@query_view(answer=views.SignInProviderView, needs=Permission.PARTNER_READ)
def read_own(reader: Reader) -> SignInProviderView:
    """Read by which provider your people sign in, and by what it names each; never its secret."""
    return get_provider(reader.read_context, _console_origin(reader.context))


@personal
@command_view(
    SetSignInProvider,
    body=membership_payloads.NewSignInProvider,
    answer=views.SignInProviderView,
)
def set_own(call: SignedCall[membership_payloads.NewSignInProvider]) -> SetSignInProvider:
    """Set the provider by which your people sign in to the console, to read; for security leads.

    It takes the place of the one before, whose sessions end. The provider is asked for its
    discovery document first. Whom it may sign in stands in `people`: nobody is made known by
    signing in, and what people may read stays what their grants say.
    """
    origin = _console_origin(call.context)
    call.context.check_issuer(call.body.issuer)
    return SetSignInProvider(body=call.body, console_origin=origin)


@command_view(RemoveSignInProvider, answer=ProviderRemoved, status=200)
def remove_own(call: SignedCall[None]) -> RemoveSignInProvider:
    """Remove your provider with its secret; whoever it signed in is signed out."""
    del call
    return RemoveSignInProvider()


def _console_origin(context: AppContext) -> str:
    if context.passkey_scope is None:
        raise NotFoundError("this coordinator has no console")
    return context.passkey_scope.origin
