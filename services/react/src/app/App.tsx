import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";

import { ApiError } from "../api/client";
import { useCredentials } from "../api/credentials";
import { ErrorBoundary } from "../logging";
import { Failed, Loading, NotFound } from "./Feedback";
import { Layout } from "./Layout";
import { logs } from "./logs";
import "./style.css";

// What a page needs is loaded with the page.
const SignIn = lazy(() => import("../tracking/SignIn"));
const Parcels = lazy(() => import("../tracking/Parcels"));
const Parcel = lazy(() => import("../tracking/Parcel"));
const Dashboard = lazy(() => import("../tracking/Dashboard"));
const Try = lazy(() => import("../tracking/Try"));
const Tracking = lazy(() => import("../tracking/Tracking"));
const Explorer = lazy(() => import("../explorer"));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What was refused will be refused again.
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && isRefusal(error.status)),
    },
    // Offline, what a person does fails at once and says why; it is not done behind their back later.
    mutations: { networkMode: "always" },
  },
});

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500;
}

export function App() {
  const [path] = useLocation();
  const { token } = useCredentials();
  // What one user was told is not the next one's to see.
  useEffect(() => {
    if (token === null) queries.clear();
  }, [token]);
  return (
    <QueryClientProvider client={queries}>
      <Switch>
        <Route path="/t/*?">
          <Page path={path}>
            <Route path="/t/:tenant?/:reference?">
              {({ tenant, reference }) => (
                <Tracking key={`${tenant}/${reference}`} tenant={tenant} reference={reference} />
              )}
            </Route>
          </Page>
        </Route>
        <Route>
          <Layout>
            <Page path={path}>
              <Pages />
            </Page>
          </Layout>
        </Route>
      </Switch>
    </QueryClientProvider>
  );
}

function Page({ path, children }: { path: string; children: React.ReactNode }) {
  return (
    <ErrorBoundary client={logs} resetKey={path} fallback={(retry) => <Failed retry={retry} />}>
      <Suspense fallback={<Loading />}>{children}</Suspense>
    </ErrorBoundary>
  );
}

function Pages() {
  const { token } = useCredentials();
  if (token === null) return <SignIn />;
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/parcels" replace />
      </Route>
      <Route path="/parcels">
        <Parcels />
      </Route>
      <Route path="/parcels/:reference">{({ reference }) => <Parcel key={reference} reference={reference} />}</Route>
      <Route path="/dashboard">
        <Dashboard />
      </Route>
      <Route path="/try">
        <Try />
      </Route>
      <Route path="/logs" nest>
        <Explorer />
      </Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}
