import { useMutation, useQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../api/client";
import { forgetCredentials, setCredentials, useCredentials } from "../api/credentials";
import { logs } from "./logs";

const logger = logs.logger("session");

export interface Session {
  user: Schemas["User"];
  tenants: Schemas["Tenant"][];
}

/** Who is signed in, and the tenants they belong to. */
export function useSession() {
  const { token } = useCredentials();
  return useQuery({
    queryKey: ["session", token],
    enabled: token !== null,
    staleTime: 300_000,
    queryFn: async (): Promise<Session> => {
      const [user, tenants] = await Promise.all([answer(api.GET("/api/auth/me/")), answer(api.GET("/api/tenants/"))]);
      return { user, tenants: tenants.results };
    },
  });
}

export function useSignIn() {
  return useMutation({
    mutationFn: async (body: Schemas["SignInRequest"]) => {
      const { token } = await answer(api.POST("/api/auth/sign-in/", { body }));
      // Both are known at once, so that no page asks for a tenant's things without naming one.
      const headers = { Authorization: `Token ${token}` };
      const tenants = await answer(api.GET("/api/tenants/", { headers }));
      setCredentials({ token, tenant: tenants.results[0]?.slug ?? null });
      logger.info("Signed in");
    },
  });
}

export function useSignOut() {
  return useMutation({
    mutationFn: () => api.POST("/api/auth/sign-out/"),
    // Also when the server knows nothing of it: this browser forgets the token.
    onSettled: () => {
      logger.info("Signed out");
      forgetCredentials();
    },
  });
}
