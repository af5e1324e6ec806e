import type { AnchorHTMLAttributes } from 'react';
import { Link } from 'wouter';

/** A link to another page of the dashboard. */
export function AppLink({
  to,
  ...props
}: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>) {
  return <Link href={to} {...props} />;
}
