/**
 * A shell program that runs its arguments as a container's process and ends the whole process group when its standard input closes: that
 * is when the supervisor, which holds the other end, has died, however it died. So no container is ever orphaned. POSIX sh, for Linux and
 * macOS alike. Signals that the supervisor sends to the group reach the container; the shell itself waits for it and passes its code on.
 * The watcher outlives the container, for what that left behind: a supervisor that lives kills the group, and the watcher with it.
 */
export const guardScript = `
trap : TERM INT
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ trap '' TERM INT; cat <&3; kill -TERM 0; sleep 5; kill -KILL 0; } >/dev/null 2>&1 &
exec 3<&-
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
exit "$code"
`;
