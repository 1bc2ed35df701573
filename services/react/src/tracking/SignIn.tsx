import { useId, type SubmitEvent } from "react";
import { Link } from "wouter";

import { ErrorText } from "../app/Feedback";
import { useSignIn } from "../app/session";
import { useTitle } from "../app/title";
import { text } from "./form";
import "./tracking.css";

/** Shown in place of each page until someone is signed in; then the page itself is. */
export default function SignIn() {
  useTitle("Sign in");
  const id = useId();
  const signIn = useSignIn();
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn.mutate({ username: text(form, "username"), password: text(form, "password") });
  };
  return (
    <form className="panel narrow fields" onSubmit={submit} aria-labelledby={id}>
      <h1 id={id}>Sign in</h1>
      <label>
        User
        <input name="username" autoComplete="username" required maxLength={150} />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required maxLength={128} />
      </label>
      {signIn.error && <ErrorText error={signIn.error} />}
      <button disabled={signIn.isPending}>Sign in</button>
      <p className="muted">
        You wait for a parcel? <Link href="/t">Look it up</Link>.
      </p>
    </form>
  );
}
