"""Certificates made for one test: an authority, a server of 127.0.0.1, a client."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Certificates:
    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca = str(folder / "ca.pem")
        self.authority.cert_pem.write_to_path(self.ca)
        server = self.authority.issue_cert("127.0.0.1", "localhost")
        self.server, self.server_key = str(folder / "server.pem"), str(folder / "server.key")
        server.cert_chain_pems[0].write_to_path(self.server)
        server.private_key_pem.write_to_path(self.server_key)
        client = self.authority.issue_cert("client@example.org", common_name="client", organization_name="acme")
        self.client, self.client_key = str(folder / "client.pem"), str(folder / "client.key")
        client.cert_chain_pems[0].write_to_path(self.client)
        client.private_key_pem.write_to_path(self.client_key)

    @property
    def options(self) -> str:
        """Of a plugin that is a server."""
        return f'ssl_enabled => true ssl_certificate => "{self.server}" ssl_key => "{self.server_key}"'

    def asking(self, how: str) -> str:
        """The options of a server that asks for certificates."""
        return f'{self.options} ssl_client_authentication => {how} ssl_certificate_authorities => ["{self.ca}"]'

    def context(self, *, client: bool = False, other: Certificates | None = None) -> ssl.SSLContext:
        """Of a client that trusts the server, and shows its certificate, or one of another authority."""
        context = ssl.create_default_context(cafile=self.ca)
        shown = other or (self if client else None)
        if shown:
            context.load_cert_chain(shown.client, shown.client_key)
        return context
