/**
 * COMP_WORDS is of no use: it is cut at colons and equals signs, as in `alpine:3.20` and `--output=json`. The program gets
 * the line as it was typed, and what stands before such a sign is taken off its answers, for readline replaces only
 * what is behind.
 */
export const bashScript = String.raw`# bash completion of fsb-ctl: source <(fsb-ctl completion bash)
_fsb_ctl() {
    local reply directive line whole kept
    COMPREPLY=()
    line="${'$'}{COMP_LINE:0:COMP_POINT}"
    reply="$("${'$'}{1/#\~\//$HOME/}" __complete --line "$line" 2>/dev/null </dev/null)" || return 0
    directive="${'$'}{reply##*$'\n'}"
    whole="${'$'}{line##*[[:space:]]}"
    kept="${'$'}{whole%"$2"}"
    kept="${'$'}{kept//[\"\']/}"
    while IFS=$'\t' read -r line _; do
        [[ $line == :* ]] || COMPREPLY+=("${'$'}{line#"$kept"}")
    done <<<"$reply"
    case "$directive" in *nospace*) compopt -o nospace ;; esac
    case "$directive" in
        *directories*) compopt -o dirnames ;;
        *files*)
            # With nothing of ours to choose from, readline's own way to complete files.
            if ((${'$'}{#COMPREPLY[@]} == 0)); then
                compopt +o nospace -o default
            else
                # Only a file is quoted as one: the colon behind the name of a sandbox is not to be.
                while IFS= read -r line; do COMPREPLY+=("$line") && compopt -o filenames; done < <(compgen -f -- "$2")
            fi
            ;;
    esac
    return 0
}
complete -F _fsb_ctl fsb-ctl fsb
`;
