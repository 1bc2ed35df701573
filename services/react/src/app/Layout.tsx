import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";

import { setCredentials, useCredentials } from "../api/credentials";
import { useSession, useSignOut } from "./session";

export function Layout({ children }: { children: ReactNode }) {
  const { token } = useCredentials();
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <Link href="/" className="brand">
          Parcel Tracking
        </Link>
        {token !== null && <Navigation />}
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Navigation() {
  const session = useSession().data;
  const signOut = useSignOut();
  return (
    <>
      <nav aria-label="Pages">
        {session !== undefined && session.tenants.length > 0 && (
          <>
            <Item href="/parcels">Parcels</Item>
            <Item href="/dashboard">Dashboard</Item>
          </>
        )}
        <Item href="/try">Try</Item>
        {session?.user.is_staff && <Item href="/logs">Logs</Item>}
      </nav>
      <div className="who">
        {session !== undefined && <TenantChoice tenants={session.tenants} />}
        <button className="quiet" onClick={() => signOut.mutate()} disabled={signOut.isPending}>
          Sign out{session && <span className="wide"> {session.user.username}</span>}
        </button>
      </div>
    </>
  );
}

function Item({ href, children }: { href: string; children: ReactNode }) {
  const [path] = useLocation();
  return (
    <Link href={href} aria-current={path === href || path.startsWith(`${href}/`) ? "page" : undefined}>
      {children}
    </Link>
  );
}

function TenantChoice({ tenants }: { tenants: { slug: string; name: string }[] }) {
  const { tenant } = useCredentials();
  if (tenants.length === 1) return <span className="wide muted">{tenants[0]?.name}</span>;
  if (tenants.length === 0) return null;
  return (
    <select
      aria-label="Tenant"
      value={tenant ?? ""}
      onChange={(event) => setCredentials({ tenant: event.target.value })}
    >
      {tenants.map(({ slug, name }) => (
        <option key={slug} value={slug}>
          {name}
        </option>
      ))}
    </select>
  );
}
