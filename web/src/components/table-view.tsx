export interface TableData {
  readonly columns: readonly string[];
  readonly rows: () => readonly (readonly (string | number)[])[];
}

/** The figures of a chart as a table. */
export function TableView({ name, data }: { name: string; data: TableData }) {
  return (
    <div className="tableview" tabIndex={0} role="region" aria-label={`${name}, table, scrolls`}>
      <table className="table">
        <caption className="sr">{name}</caption>
        <thead>
          <tr>
            {data.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.rows().map((row) => (
            <tr key={row.join('|')}>
              {row.map((cell, index) => (
                <td key={data.columns[index]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
