"""The log-in page."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from app.accounts.logins import COOKIE, LASTS, operator_of, sign_in, sign_out
from app.accounts.tables import Role
from app.core.errors import Problem
from app.core.redis import redis
from app.core.web import page, tell
from app.settings import get_settings

HOMES = {Role.MANAGER: "/manage", Role.CASHIER: "/counter", Role.GATE: "/gate"}


@get("/login", sync_to_thread=False, include_in_schema=False)
def show_login(request: Request[Any, Any, Any], next: str = "") -> Response[str]:
    return page(request, "accounts/login.html", form={"email": ""}, error=None, next=local_path(next))


@post("/login", include_in_schema=False)
async def do_login(
    request: Request[Any, Any, Any],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    email, target = data.get("email", "")[:254], local_path(data.get("next", ""))
    address = request.client.host if request.client else "unknown"
    try:
        token = await sign_in(redis(), email, data.get("password", "")[:200], address=address)
    except Problem as problem:
        return page(
            request, "accounts/login.html", status=problem.kind.status,
            form={"email": email}, error=tell(problem), next=target,
        )  # fmt: skip
    request.cookies[COOKIE] = token
    request.scope["state"].pop("operator", None)
    operator = await operator_of(request)
    answer = Redirect(target or (HOMES[operator.role] if operator else "/"), status_code=303)
    answer.set_cookie(
        Cookie(
            COOKIE, value=token, max_age=int(LASTS.total_seconds()), httponly=True, samesite="lax",
            secure=get_settings().secure_cookies,
        )
    )  # fmt: skip
    return answer


@post("/logout", include_in_schema=False)
async def do_logout(request: Request[Any, Any, Any]) -> Redirect:
    if token := request.cookies.get(COOKIE):
        await sign_out(token)
    answer = Redirect("/login", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


def local_path(target: str) -> str:
    """A path on this site, or '' : a log-in page must not send people elsewhere."""
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return target if ours else ""


router = Router(path="/", route_handlers=[show_login, do_login, do_logout])
