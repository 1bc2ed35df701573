/** A form's field that is text; its spaces at both ends are kept. */
export function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
