import type { Changed } from '../settings-change.ts';

/** Settings before and after. */
export function ChangeTable({ changed }: { changed: readonly Changed[] }) {
  return (
    <table className="table change">
      <caption className="sr">Settings that change</caption>
      <thead>
        <tr>
          <th scope="col">setting</th>
          <th scope="col" className="num">
            before
          </th>
          <th scope="col" className="num">
            after
          </th>
        </tr>
      </thead>
      <tbody>
        {changed.map(({ name, before, after }) => (
          <tr key={name}>
            <td>{name}</td>
            <td className="num muted">{before}</td>
            <td className="num">{after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
