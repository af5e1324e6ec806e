import { useQuery } from '@tanstack/react-query';
import { request } from './client';
import { whoAsks } from './documents';

/** Who is signed in; the role does not change while the page is open. */
export function usePrincipal() {
  const { data } = useQuery({
    queryKey: ['principal'],
    staleTime: 600_000,
    queryFn: async ({ signal }) => (await request(whoAsks, {}, signal)).principal,
  });
  return data;
}

/** Whether it is known that it may cancel and retry. The server decides; this saves asking in vain. */
export function useMayAct(): boolean {
  const role = usePrincipal()?.role;
  return role === 'OPERATOR' || role === 'ADMIN';
}

/** Whether it is known that it may not. */
export function useIsOnlyViewer(): boolean {
  const role = usePrincipal()?.role;
  return role !== undefined && role !== 'OPERATOR' && role !== 'ADMIN';
}
