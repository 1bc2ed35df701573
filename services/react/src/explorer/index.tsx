import { Link, Route, Switch, useLocation } from "wouter";

import { NotFound } from "../app/Feedback";
import { useSession } from "../app/session";
import Health from "./Health";
import Request from "./Request";
import Search from "./Search";
import "./explorer.css";

/** The log explorer, below /logs, for staff. */
export default function Explorer() {
  const session = useSession().data;
  if (session && !session.user.is_staff) {
    return (
      <>
        <h1>Logs</h1>
        <p>Only staff may see the logs of all services.</p>
      </>
    );
  }
  return (
    <>
      <nav className="explorer-tabs" aria-label="Logs">
        <Tab href="/">Lines</Tab>
        <Tab href="/health">Health</Tab>
      </nav>
      <Switch>
        <Route path="/">
          <Search />
        </Route>
        <Route path="/requests/:id">{({ id }) => <Request key={id} id={id} />}</Route>
        <Route path="/health">
          <Health />
        </Route>
        <Route>
          <NotFound />
        </Route>
      </Switch>
    </>
  );
}

function Tab({ href, children }: { href: string; children: React.ReactNode }) {
  const [path] = useLocation();
  return (
    <Link href={href} aria-current={path === href ? "page" : undefined}>
      {children}
    </Link>
  );
}
