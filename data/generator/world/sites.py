"""The three distributions: what they are called, how they are logged, which cache behaviours they have, in order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

ACCOUNT = "111122223333"
WEB, API, MEDIA = "E1SHOPWEBEX4MPL", "E2SHOPAPIEX4MPL", "E3SHOPDLSEX4MPL"
STAGING = "E4SHOPSTGEX4MPL"


@dataclass(frozen=True)
class Site:
    """`patterns`: path patterns of the cache behaviours in order, as (pattern, what a path begins with); the default comes after them."""

    id: str
    host: str
    cdn_host: str
    patterns: tuple[tuple[str, str], ...]


SITES = {
    site.id: site
    for site in (
        Site(
            WEB,
            "www.shop.example",
            "d111111abcdef8.cloudfront.net",
            (
                ("/assets/*", "/assets/"), ("/images/*", "/images/"), ("/uploads/*", "/uploads/"), ("/promo/*", "/promo/"),
                ("/account*", "/account"), ("/search*", "/search"),
            ),
        ),
        Site(
            API,
            "api.shop.example",
            "d222222abcdef8.cloudfront.net",
            (("/v1/auth/*", "/v1/auth/"), ("/v1/products*", "/v1/products"), ("/v1/orders/live", "/v1/orders/live")),
        ),
        Site(
            MEDIA,
            "media.shop.example",
            "d333333abcdef8.cloudfront.net",
            (("/private/*", "/private/"), ("/video/*", "/video/"), ("/press/*", "/press/"), ("/podcast/*", "/podcast/")),
        ),
    )
}  # fmt: skip
HOSTS = {site.id: site.host for site in SITES.values()}
CDN_HOSTS = {site.id: site.cdn_host for site in SITES.values()}


@lru_cache(maxsize=100_000)
def pattern(site: str, path: str) -> str:
    """The path pattern of the behaviour that answers, "*" for the default one."""
    return next((name for name, start in SITES[site].patterns if path.startswith(start)), "*")
