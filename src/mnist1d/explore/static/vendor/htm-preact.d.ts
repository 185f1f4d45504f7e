// Types of what the page uses of Preact and htm, whose own types are not vendored.

export type Node = any;
/** What stands in a template; parameters of a function there need no types of their own. */
type Value = ((...given: any[]) => any) | object | string | number | boolean | null | undefined;
export function html(strings: TemplateStringsArray, ...values: Value[]): Node;
export function h(type: any, properties: any, ...children: any[]): Node;
export function render(node: Node, parent: Element): void;

type Update<T> = (value: T | ((former: T) => T)) => void;
export function useState<T>(initial: T | (() => T)): [T, Update<T>];
export function useReducer<S, A>(reducer: (state: S, action: A) => S, initial: S): [S, (action: A) => void];
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useRef<T>(initial: T): { current: T };
export function useMemo<T>(compute: () => T, inputs?: readonly unknown[]): T;
export function useCallback<T extends Function>(callback: T, inputs?: readonly unknown[]): T;
