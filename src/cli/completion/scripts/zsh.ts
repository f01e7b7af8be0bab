export const zshScript = String.raw`#compdef fsb-ctl fsb
# zsh completion of fsb-ctl: source <(fsb-ctl completion zsh), or a file named _fsb_ctl in a directory of fpath.
_fsb_ctl() {
    local line value directive program
    local -a before lines entries options
    before=("${'$'}{(@Q)words[2,CURRENT-1]}")
    program=${'$'}{(Q)words[1]}
    lines=("${'$'}{(@f)$("${'$'}{program/#\~\//$HOME/}" __complete -- $before "${'$'}{(Q)PREFIX}" 2>/dev/null </dev/null)}")
    directive=$lines[-1]
    lines[-1]=()
    for line in $lines; do
        value=${'$'}{line%%$'\t'*}
        entries+=("${'$'}{value//:/\\:}:${'$'}{${'$'}{line#$value}#$'\t'}")
    done
    [[ $directive == *nospace* ]] && options=(-S '')
    (( $#entries )) && _describe -t words 'fsb-ctl' entries "${'$'}{options[@]}"
    # Of --env-file=notes.txt only what is behind the sign is a file.
    [[ $PREFIX == -*=* ]] && compset -P '*='
    case $directive in
        *directories*) _files -/ ;;
        *files*) _files ;;
    esac
}
if [[ $funcstack[1] == _fsb_ctl ]]; then
    _fsb_ctl "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _fsb_ctl fsb-ctl fsb
fi
`;
