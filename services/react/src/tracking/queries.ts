// What the pages ask the API for. All of it is a tenant's, so the tenant is part of each key.

import { useMutation, useQuery, useQueryClient, keepPreviousData } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../api/client";
import { useCredentials } from "../api/credentials";
import type { ParcelQuery } from "./filter";

function useTenant(): string {
  return useCredentials().tenant ?? "";
}

const one = (reference: string) => ({ params: { path: { reference } } });

export function useParcels(query: ParcelQuery) {
  return useQuery({
    queryKey: [useTenant(), "parcels", query],
    queryFn: ({ signal }) => answer(api.GET("/api/parcels/", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** Has lists, and one parcel or all, read anew; returns the function for it. */
export function useRefresh() {
  const queries = useQueryClient();
  const tenant = useTenant();
  return {
    parcels: () => queries.invalidateQueries({ queryKey: [tenant, "parcels"] }),
    parcel: (reference: string) => queries.invalidateQueries({ queryKey: [tenant, "parcel", reference] }),
  };
}

export function useParcel(reference: string, refetchInterval: number | false = false) {
  return useQuery({
    queryKey: [useTenant(), "parcel", reference],
    queryFn: ({ signal }) => answer(api.GET("/api/parcels/{reference}/", { ...one(reference), signal })),
    refetchInterval,
  });
}

export function useTrack(reference: string) {
  return useQuery({
    queryKey: [useTenant(), "parcel", reference, "track"],
    queryFn: ({ signal }) => answer(api.GET("/api/parcels/{reference}/track/", { ...one(reference), signal })),
  });
}

export function useCreateParcel() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["ParcelRequest"]) => answer(api.POST("/api/parcels/", { body })),
    onSuccess: refresh.parcels,
  });
}

export function useScan(reference: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["ScanRequest"]) =>
      answer(api.POST("/api/parcels/{reference}/scans/", { ...one(reference), body })),
    onSuccess: () => Promise.all([refresh.parcel(reference), refresh.parcels()]),
  });
}

export function useOrderLabel(reference: string) {
  return useMutation({
    mutationFn: () => answer(api.POST("/api/parcels/{reference}/label/", one(reference))),
  });
}

export function useLabel(reference: string, stored: boolean) {
  return useQuery({
    queryKey: [useTenant(), "parcel", reference, "label"],
    enabled: stored,
    queryFn: ({ signal }) =>
      answer(api.GET("/api/parcels/{reference}/label/", { ...one(reference), parseAs: "text", signal })),
  });
}

export function useQuote(reference: string) {
  return useMutation({
    mutationFn: () => answer(api.POST("/api/parcels/{reference}/quote/", one(reference))),
  });
}

export function useStartExport() {
  return useMutation({
    mutationFn: (query: string) => answer(api.POST("/api/parcels/exports/", { body: { query } })),
  });
}

/** An export, asked for until it is done. */
export function useExport(id: number) {
  return useQuery({
    queryKey: [useTenant(), "export", id],
    queryFn: ({ signal }) => answer(api.GET("/api/parcels/exports/{id}/", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isFinished(state.data) ? false : 1000),
  });
}

export function isFinished({ state }: Schemas["Export"]): boolean {
  return state === "done" || state === "failed";
}

export function useDownloadExport() {
  return useMutation({
    mutationFn: (id: number) =>
      answer(api.GET("/api/parcels/exports/{id}/download/", { params: { path: { id } }, parseAs: "blob" })),
  });
}

export function useFigures() {
  return useQuery({
    queryKey: [useTenant(), "figures"],
    queryFn: ({ signal }) => answer(api.GET("/api/dashboard/", { signal })),
    refetchInterval: 30_000,
  });
}

export function useTracking(tenant: string, reference: string) {
  return useQuery({
    queryKey: ["tracking", tenant, reference],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/branded/track/{tenant}/{reference}/", { params: { path: { tenant, reference } }, signal })),
    refetchInterval: 15_000,
  });
}
