import { lazy, Suspense, useState } from 'react';
import { useShown } from './current';

const CardContent = lazy(async () => ({
  default: (await import('./card-content')).CardContent,
}));

/** The bulk action whose dialog was closed, on every page until its end has been seen. */
export function BulkCard() {
  const bulk = useShown();
  const [said, setSaid] = useState('');
  return (
    <>
      <p className="hidden" role="status">
        {said}
      </p>
      {bulk && (
        <Suspense>
          <CardContent bulk={bulk} say={setSaid} />
        </Suspense>
      )}
    </>
  );
}
