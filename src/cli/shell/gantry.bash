# bash completion of gantry: bash 4.4 or later, nothing else needed

_gantry() {
  # The line up to the cursor, split at blanks only: bash itself takes image:tag and --flag=value apart, too.
  local line=${COMP_LINE:0:COMP_POINT} words found current kept="" candidate last
  read -ra words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=("")
  current=${words[${#words[@]} - 1]}
  mapfile -t found < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
  COMPREPLY=()
  last=$((${#found[@]} - 1))
  ((last < 0)) && return
  if [[ ${found[last]} == :files ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "${current#--*=}")
    return
  fi
  unset "found[last]"
  # What bash has taken for a word of its own is on the line already.
  if [[ $current == *[:=]* ]]; then
    kept=${current%"${current##*[:=]}"}
  fi
  for candidate in "${found[@]}"; do
    candidate=${candidate%%$'\t'*}
    COMPREPLY+=("${candidate#"$kept"}")
  done
}

complete -F _gantry gantry
