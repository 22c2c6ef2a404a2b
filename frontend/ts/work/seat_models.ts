/** SeatView models as managers keep them: shapes of /api/v1/manage/seat-views (docs/api.md), and asking for them. */
import { ask } from "../core/api";
import { upload } from "../core/upload";
import type { Photo } from "../seatmap/seat_view";

export interface EventUse {
  id: number;
  title: string;
  /** Where its photos can be taken in the shop's map; null: it has no numbered performance. */
  performance: number | null;
}

export interface SeatModel {
  id: number;
  name: string;
  version: string;
  photos: number;
  events: EventUse[];
}

export interface ManagedPhoto extends Photo {
  id: number;
  /** Ids of the plans that have no seat of this name. */
  missing_from: number[];
}

export interface ManagedPhotos {
  version: string;
  photos: ManagedPhoto[];
  plans: { id: number; name: string; performance: number }[];
}

export const ACCEPTED = "image/jpeg,image/png,image/webp";

const AT = "/manage/seat-views";

export const listModels = (): Promise<SeatModel[]> => ask("GET", AT);
export const makeModel = (name: string): Promise<SeatModel> => ask("POST", AT, { name });
export const changeModel = (model: number, change: { name?: string; events?: number[] }): Promise<SeatModel> => ask("PATCH", `${AT}/${model}`, change);
export const deleteModel = (model: number): Promise<void> => ask("DELETE", `${AT}/${model}`);
export const listPhotos = (model: number): Promise<ManagedPhotos> => ask("GET", `${AT}/${model}/photos`);
export const renamePhoto = (model: number, photo: number, seat: string): Promise<ManagedPhoto> => ask("PATCH", `${AT}/${model}/photos/${photo}`, { seat });
export const deletePhoto = (model: number, photo: number): Promise<void> => ask("DELETE", `${AT}/${model}/photos/${photo}`);

/** The view from a seat is this from now on; what was there is replaced. */
export function putPhoto(model: number, seat: string, file: Blob, onProgress: (share: number) => void): Promise<ManagedPhoto> {
  return upload<ManagedPhoto>("PUT", `${AT}/${model}/photos?seat=${encodeURIComponent(seat)}`, file, onProgress);
}
